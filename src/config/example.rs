//! The example file and the reference table, written from the declaration.

use super::{
    declare::{DefaultValue, Setting},
    environment::{short_variable, variable},
    settings::{SECTIONS, SectionInfo},
};

const HEADER: &str = "\
# Configuration of Satisfice.
#
# A line that starts with # and no space is a setting at its default: remove the # and change it.
# Every setting can also be given by the environment variable beside it, which wins over this file.
# Provider keys never stand here: they come from the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY, ...).
";

/// A commented configuration file with every setting, its default, what it can be and what it does. Uncommenting all
/// settings changes nothing.
#[must_use]
pub fn init_example() -> String {
    SECTIONS.iter().fold(HEADER.to_owned(), |text, section| text + &example_section(section))
}

fn example_section(section: &SectionInfo) -> String {
    let header = match (section.path, section.named) {
        ("", _) => String::new(),
        (path, false) => format!("\n# {}\n[{path}]\n", section.doc),
        (path, true) => format!("\n# {}\n# [{path}.NAME]\n", section.doc),
    };
    section.settings().fold(header, |text, setting| text + &example_setting(section, setting))
}

/// Settings without a default, and those of named sections, stay comments when settings are uncommented.
fn example_setting(section: &SectionInfo, setting: &Setting) -> String {
    let (value, live) = match setting.default {
        DefaultValue::Is(plain) => (plain, !section.named),
        DefaultValue::Unset { example } => (example, false),
    };
    let mark = if live { "#" } else { "# " };
    let Setting { key, doc, shape, .. } = setting;
    let note = if setting.default == DefaultValue::Is(value) { "" } else { "  # not set by default" };
    let comment = format!("\n# {doc}\n#   {}; {}\n", shape.words(setting.range), variables(section, setting));
    comment + &format!("{mark}{key} = {}{note}\n", shape.toml(value))
}

fn variables(section: &SectionInfo, setting: &Setting) -> String {
    let long = variable(section, setting);
    short_variable(section, setting).map_or_else(|| long.clone(), |short| format!("{short} or {long}"))
}

/// Every setting as Markdown tables, a table for each section.
#[must_use]
pub fn reference() -> String {
    SECTIONS.iter().map(reference_section).collect::<Vec<_>>().join("\n")
}

fn reference_section(section: &SectionInfo) -> String {
    let title = match (section.path, section.named) {
        ("", _) => "Top of the file".to_owned(),
        (path, false) => format!("`[{path}]`"),
        (path, true) => format!("`[{path}.NAME]`"),
    };
    let head = format!(
        "### {title}\n\n{}\n\n| key | default | can be | environment | what it does |\n|---|---|---|---|---|\n",
        section.doc
    );
    section.settings().fold(head, |text, setting| text + &reference_row(section, setting))
}

fn reference_row(section: &SectionInfo, setting: &Setting) -> String {
    let default = match setting.default {
        _ if section.path == "policies" => "that of `[routing]`".to_owned(),
        DefaultValue::Is(plain) => format!("`{}`", setting.shape.toml(plain)),
        DefaultValue::Unset { .. } => "not set".to_owned(),
    };
    let words = setting.shape.words(setting.range);
    format!("| `{}` | {default} | {words} | `{}` | {} |\n", setting.key, variable(section, setting), setting.doc)
}
