//! `ftpspec completions` and `ftpspec man`: made from the definitions of the command line.

use clap::CommandFactory as _;

use super::args::{Cli, CompletionsArgs, ManArgs};
use super::exit::{CliError, Exit};
use super::output;

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit, CliError> {
    let mut bytes = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ftpspec", &mut bytes);
    output::print_raw(&String::from_utf8_lossy(&bytes))?;
    Ok(Exit::Success)
}

pub(super) fn man(args: &ManArgs) -> Result<Exit, CliError> {
    if let Some(out) = &args.out {
        let cannot =
            |error: std::io::Error| CliError::internal(format!("cannot write to {}: {error}", out.display()));
        std::fs::create_dir_all(out).map_err(cannot)?;
        clap_mangen::generate_to(Cli::command(), out).map_err(cannot)?;
        return Ok(Exit::Success);
    }
    let page = page(&args.command)?;
    let mut bytes = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut bytes)
        .map_err(|error| CliError::internal(error.to_string()))?;
    output::print_raw(&String::from_utf8_lossy(&bytes))?;
    Ok(Exit::Success)
}

/// The command that `words` name, which knows that it is called `ftpspec-run`.
fn page(words: &[String]) -> Result<clap::Command, CliError> {
    let mut command = Cli::command();
    command.build();
    let mut name = command.get_name().to_owned();
    for word in words {
        let found = command.find_subcommand(word).cloned();
        command = found.ok_or_else(|| CliError::usage(format!("there is no command `{name} {word}`")))?;
        name = format!("{name}-{word}");
    }
    Ok(command)
}
