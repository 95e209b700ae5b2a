//! `teem completions`: a script for the shell, from the grammar itself.
use crate::cli::{self, Cli};
use crate::exit::Exit;
use clap::CommandFactory;

pub(crate) fn run(options: &cli::Completions) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Cli::command(), "teem", &mut script);
    crate::stdout::bytes(&script);
    Exit::Done
}
