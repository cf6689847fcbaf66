//! The page of `monitor`.

use serde::Serialize;
use serde_json::Value;

use super::pages;

/// What the page shows.
#[derive(Debug, Serialize)]
pub struct MonitorPage<'a> {
    /// `pass`, `warn` or `fail`: the page's colour.
    pub class: &'a str,
    pub verdict: &'a str,
    pub target: &'a str,
    /// `watch: 2 to look at`
    pub line: &'a str,
    pub at: String,
    pub since: Option<&'a str>,
    pub next: Option<&'a str>,
    /// The checks, as the JSON document has them.
    pub list: &'a Value,
    /// The looks, likewise.
    pub looks: &'a Value,
}

#[derive(Serialize)]
struct Whole<'a> {
    title: String,
    version: &'static str,
    #[serde(flatten)]
    page: &'a MonitorPage<'a>,
}

/// One self-contained page.
pub fn monitor(page: &MonitorPage<'_>) -> String {
    let title = format!("{}: {}", page.verdict, page.target);
    pages::render("monitor.html", Whole { title, version: env!("CARGO_PKG_VERSION"), page })
}
