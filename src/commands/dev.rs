//! x
#[derive(Debug, clap::Args)]
pub struct Args {}
pub fn run(_: &Args, _: &crate::context::Context) -> crate::error::Result<crate::exit::Exit> {
    Ok(crate::exit::Exit::Done)
}
