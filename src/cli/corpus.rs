//! Loads the corpus for a subcommand and shows what is wrong with it.

use std::path::PathBuf;

use super::args::CorpusArgs;
use super::exit::CliError;
use super::output;
use crate::diagnostic;
use crate::runner::{self, Corpus, CorpusError};

/// Everything, or every problem shown at once.
pub(super) fn load(args: &CorpusArgs) -> Result<Corpus, CliError> {
    Corpus::load(&args.folders).map_err(show)
}

/// The scenarios at these paths only.
pub(super) fn load_paths(paths: &[PathBuf]) -> Result<Corpus, CliError> {
    let files = runner::read_paths(paths).map_err(show)?;
    if files.is_empty() {
        return Err(CliError::nothing("there is no scenario at these paths"));
    }
    Corpus::load_files(files).map_err(show)
}

fn show(error: CorpusError) -> CliError {
    let text = error.to_string();
    match error {
        CorpusError::Scenarios(problems) => {
            for problem in &problems {
                output::complain(&diagnostic::render_load_error(
                    problem,
                    output::colour_of_complaints(),
                ));
            }
            let noun = if problems.len() == 1 {
                "problem"
            } else {
                "problems"
            };
            CliError::usage(format!("{} {noun} in the scenarios", problems.len()))
        }
        CorpusError::Unreadable(_) => CliError::usage(text),
        CorpusError::Internal(_) => CliError::internal(text),
    }
}
