//! The JSON Schema of scenario files, for editors. Made from the raw types, so that it cannot disagree with the reader.

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::raw::RawScenario;
use crate::requirement::Catalogue;

/// The schema as JSON text, `docs/schema/scenario.schema.json`. The ids of the built-in catalogue are part of it.
#[must_use]
pub fn json() -> String {
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<RawScenario>();
    let mut value = schema.to_value();
    if let Some(object) = value.as_object_mut() {
        object.insert("title".into(), "ftpspec scenario".into());
        object.insert("required".into(), json!(["title", "why", "steps"]));
    }
    if let Some(requirement) = value.pointer_mut("/$defs/Check/properties/requirement") {
        add_ids(requirement);
    }
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{value:#}");
    text
}

/// The ids of the catalogue as a closed list.
fn add_ids(requirement: &mut Value) {
    let Ok(catalogue) = Catalogue::embedded() else {
        return;
    };
    let ids: Vec<&str> = catalogue.ids().collect();
    let description = requirement.get("description").cloned().unwrap_or_default();
    *requirement = json!({ "enum": ids, "description": description });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_lists_are_enums_and_unknown_keys_are_refused() {
        let schema: Value = serde_json::from_str(&json()).unwrap();
        assert_eq!(schema["additionalProperties"], json!(false));
        let steps = &schema["$defs"]["Step"];
        assert_eq!(steps["additionalProperties"], json!(false));
        let ids = schema["$defs"]["Check"]["properties"]["requirement"]["enum"]
            .as_array()
            .unwrap();
        assert!(ids.contains(&json!("rfc4217.s9.pbsz-before-prot")));
        let capabilities = schema["$defs"]["capability"]["enum"].as_array().unwrap();
        assert!(capabilities.contains(&json!("session-reuse-required")));
        assert_eq!(
            schema["$defs"]["severity"]["enum"],
            json!(["low", "medium", "high", "critical"])
        );
    }
}
