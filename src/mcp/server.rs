//! The protocol: which tools there are, and what becomes of a call.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool as Listed, ToolAnnotations,
};
use rmcp::service::{RequestContext, ServerInitializeError};
use rmcp::transport::stdio_pipes;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};
use serde_json::Value;

use super::tool::{Asked, Tool};
use crate::error::{Error, Explain as _, Result};
use crate::tools::own::{self, Own, Printed};
use crate::ui::interrupt::Guard;

/// A call is ended after this time, before clients give it up (most after 60 s). Prisma starts in a second or two.
const LIMIT: Duration = Duration::from_secs(50);
/// How often signals are looked for.
const BEAT: Duration = Duration::from_millis(100);
/// How long calls may take to end with the server.
const GRACE: Duration = Duration::from_secs(12);

const INSTRUCTIONS: &str = "Reads about the Prisma migrations of this project. Review SQL with review_sql before you write it to a \
     migration. These tools change nothing: migrations are written with `npx prisma-safe migrate dev --create-only` and deployed by a \
     person.";

/// Answers calls.
struct Server {
    directory: PathBuf,
    /// Options for every call.
    options: Vec<OsString>,
}

/// Ends the call that it belongs to.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Serves on stdin and stdout until the client hangs up or a signal comes; calls that still run are ended then.
///
/// # Errors
/// Exit status 1 where the other side does not speak the protocol, 130 after a signal.
pub fn serve(directory: PathBuf, options: Vec<OsString>) -> Result<()> {
    let guard = Guard::new()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.explain(|| "could not start the server".into())?;
    let served = runtime.block_on(async {
        let signalled = guard.flag();
        let stop = tokio_util::sync::CancellationToken::new();
        let watched = stop.clone();
        tokio::spawn(async move {
            while !signalled.load(Ordering::Relaxed) {
                tokio::time::sleep(BEAT).await;
            }
            watched.cancel();
        });
        let server = Server { directory, options };
        match server.serve_with_ct(stdio_pipes(), stop).await {
            Ok(running) => running.waiting().await.map(drop).explain(|| "the server broke off".into()),
            // it hung up before it had said anything
            Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => Ok(()),
            Err(_) => Err(Error::failed("what came on stdin is not the Model Context Protocol")
                .help("coding agents start `prisma-safe mcp` themselves; `prisma-safe agent install` tells them how")),
        }
    });
    // drops what still waits for a call, which ends the call
    runtime.shutdown_timeout(GRACE);
    guard.check()?;
    served
}

impl Server {
    /// Runs a call to its end, in a thread of its own.
    async fn answer(&self, asked: Asked) -> Result<Printed> {
        let stop = Arc::new(AtomicBool::new(false));
        // whether the client takes the call back or hangs up: whatever drops this future ends the call
        let stop_on_drop = StopOnDrop(Arc::clone(&stop));
        let (directory, mut words) = (self.directory.clone(), self.options.clone());
        words.extend(asked.words);
        let work = move || {
            let own = Own { words, directory: &directory, input: asked.input, limit: LIMIT };
            own::run(own, &stop)
        };
        let printed = tokio::task::spawn_blocking(work).await.explain(|| "the call broke off".into())?;
        drop(stop_on_drop);
        printed
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("prisma-safe", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let listed = |tool: Tool| {
            let reads = ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false);
            Listed::new(tool.name(), tool.description(), tool.takes()).with_annotations(reads)
        };
        Ok(ListToolsResult::with_all_items(Tool::ALL.into_iter().map(listed).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = Tool::of(&request.name) else {
            return Err(ErrorData::invalid_params(format!("unknown tool {}", request.name), None));
        };
        let asked = match tool.asked(Value::Object(request.arguments.unwrap_or_default())) {
            Ok(asked) => asked,
            Err(error) => {
                let error = Error::usage(format!("{} does not take these arguments", tool.name())).because(error);
                return Ok(refused(&error).into());
            }
        };
        let answer = context.ct.run_until_cancelled(self.answer(asked)).await;
        Ok(match answer.unwrap_or_else(|| Err(Error::cancelled())) {
            Ok(printed) => result(tool, printed),
            Err(error) => refused(&error),
        }
        .into())
    }
}

/// A document is an answer, whatever the verdict; without one what was said on stderr is the error, help included.
fn result(tool: Tool, printed: Printed) -> CallToolResult {
    let said = printed.stderr.trim().to_owned();
    if tool == Tool::ExplainRule && !printed.stdout.is_empty() {
        return CallToolResult::success(vec![ContentBlock::text(printed.stdout)]);
    }
    match serde_json::from_str(&printed.stdout) {
        // a failure's document says what stderr says
        Ok(Value::Object(failure)) if failure.contains_key("error") && failure.contains_key("exitStatus") => {
            CallToolResult::error(vec![ContentBlock::text(said)])
        }
        Ok(document) => {
            let mut result = CallToolResult::structured(document);
            // what was not asked, and why
            if !said.is_empty() {
                result.content.push(ContentBlock::text(said));
            }
            result
        }
        Err(_) => CallToolResult::error(vec![ContentBlock::text(said)]),
    }
}

fn refused(error: &Error) -> CallToolResult {
    let causes = error.causes().into_iter().map(|cause| format!("\n  caused by: {cause}"));
    let help = error.help_text().map(|help| format!("\n help: {help}"));
    let text = std::iter::once(format!("error: {error}")).chain(causes).chain(help).collect::<String>();
    CallToolResult::error(vec![ContentBlock::text(text)])
}
