//! `ftpspec schema`: JSON Schemas for editors and for readers of reports.

use super::args::{SchemaArgs, SchemaOf};
use super::exit::{CliError, Exit};
use super::output;
use crate::{report, scenario};

pub(super) fn run(args: &SchemaArgs) -> Result<Exit, CliError> {
    output::print(&match args.of {
        SchemaOf::Scenario => scenario::schema::json(),
        SchemaOf::Diagnosis => super::diagnose::schema()?,
        SchemaOf::Report => report::json::schema().map_err(|error| CliError::internal(error.to_string()))?,
    })?;
    Ok(Exit::Success)
}
