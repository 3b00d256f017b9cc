//! `ftpspec report render`: a stored run in another format, byte for byte as it would have been written on the day.

use std::path::Path;

use crate::cli::args::{RenderArgs, RenderFormat};
use crate::cli::exit::{CliError, Exit};
use crate::cli::material::Material;
use crate::cli::output;
use crate::cli::stored::StoredRun;
use crate::report::{self, Format, Input};

pub(super) fn run(args: &RenderArgs) -> Result<Exit, CliError> {
    let stored = StoredRun::open(&args.folder)?;
    let material = Material::stored(&stored)?;
    let traces = |place: &str| crate::runner::read_case(&stored.folder, place).ok();
    let input = material.input(&stored.outcome, &traces);
    if args.format == RenderFormat::All {
        let Some(out) = &args.out else {
            return Err(CliError::usage("`--format all` needs `--out FOLDER`"));
        };
        return write_all(&input, out);
    }
    let text = match format_of(args.format) {
        Some(format) => report::render(format, &input),
        None => report::badge::render(&stored.outcome, badge_target(args, &input)?).map_err(Into::into),
    };
    let text = text.map_err(|error| CliError::internal(error.to_string()))?;
    match &args.out {
        Some(out) => write(out, &text)?,
        None => output::print_raw(&text)?,
    }
    Ok(Exit::Success)
}

/// The format of a report; none for a badge, which is of a target.
fn format_of(format: RenderFormat) -> Option<Format> {
    Some(match format {
        RenderFormat::All | RenderFormat::Badge => return None,
        RenderFormat::Csv => Format::Csv,
        RenderFormat::Github => Format::Github,
        RenderFormat::Html => Format::Html,
        RenderFormat::Json => Format::Json,
        RenderFormat::Junit => Format::Junit,
        RenderFormat::Markdown => Format::Markdown,
        RenderFormat::Summary => Format::Summary,
        RenderFormat::Tap => Format::Tap,
    })
}

/// The target that a badge is asked of: the named one, or the only one.
fn badge_target<'a>(args: &'a RenderArgs, input: &Input<'a>) -> Result<&'a str, CliError> {
    let mut names = input.run.targets.keys();
    match (&args.target, names.next(), names.next()) {
        (Some(name), ..) if input.run.targets.contains_key(name) => Ok(name),
        (None, Some(only), None) => Ok(only),
        (Some(name), ..) => Err(CliError::usage(format!("the run has no target `{name}`"))),
        (None, ..) => Err(CliError::usage(
            "a badge is of one target: name it with `--target`",
        )),
    }
}

fn write_all(input: &Input<'_>, out: &Path) -> Result<Exit, CliError> {
    std::fs::create_dir_all(out).map_err(|error| cannot_write(out, &error))?;
    for file in report::files(input) {
        let file = file.map_err(|error| CliError::internal(error.to_string()))?;
        write(&out.join(&file.path), &file.text)?;
    }
    Ok(Exit::Success)
}

fn write(path: &Path, text: &str) -> Result<(), CliError> {
    std::fs::write(path, text).map_err(|error| cannot_write(path, &error))
}

fn cannot_write(path: &Path, error: &std::io::Error) -> CliError {
    CliError::internal(format!("cannot write {}: {error}", path.display()))
}
