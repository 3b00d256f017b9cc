//! `ftpspec certs`: chains from recipes.

use super::args::{CertsArgs, CertsCommand};
use super::exit::{CliError, Exit};
use super::output;
use crate::tls::certificate::{self, CertificateSet, Recipe};
use std::fmt::Write as _;

pub(super) fn run(args: &CertsArgs) -> Result<Exit, CliError> {
    let known = certificate::recipes().map_err(|error| CliError::internal(error.to_string()))?;
    let mut text = String::new();
    match &args.command {
        CertsCommand::List => {
            for recipe in known {
                let _ = writeln!(text, "{:22} {}", recipe.name, recipe.title);
            }
        }
        CertsCommand::Make { recipes, out } => {
            let wanted: Vec<&Recipe> = if recipes.is_empty() {
                known.iter().collect()
            } else {
                let found = recipes.iter().map(|name| certificate::recipe(name));
                found
                    .collect::<Result<_, _>>()
                    .map_err(|error| CliError::usage(error.to_string()))?
            };
            let set = CertificateSet::make(wanted.iter().copied())
                .map_err(|error| CliError::internal(error.to_string()))?;
            set.write_to(out)
                .map_err(|error| CliError::internal(error.to_string()))?;
            for name in ["ca", "other-ca"]
                .into_iter()
                .chain(wanted.iter().map(|recipe| recipe.name.as_str()))
            {
                let _ = writeln!(text, "{}", out.join(format!("{name}.pem")).display());
            }
        }
    }
    output::print(&text)?;
    Ok(Exit::Success)
}
