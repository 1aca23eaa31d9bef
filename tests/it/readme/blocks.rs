//! The code blocks of README.md.

use std::{fs, path::Path};

/// A block between two fences.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The last heading of the second level before it.
    pub(super) section: String,
    /// The last heading of the third level before it in its section.
    pub(super) part: String,
    /// What stands behind the opening fence.
    pub(super) language: String,
    pub(super) text: String,
}

/// All of them, in order.
pub(super) fn blocks() -> Vec<Block> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(file).expect("the README is there");
    let (mut section, mut part) = (String::new(), String::new());
    let mut open: Option<Block> = None;
    let mut blocks = Vec::new();
    for line in readme.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.extend([line, "\n"]),
            (None, Some(language)) => {
                let (section, part) = (section.clone(), part.clone());
                open = Some(Block { section, part, language: language.to_owned(), text: String::new() });
            }
            (None, None) => {
                if let Some(heading) = line.strip_prefix("## ") {
                    heading.clone_into(&mut section);
                    part.clear();
                } else if let Some(heading) = line.strip_prefix("### ") {
                    heading.clone_into(&mut part);
                }
            }
        }
    }
    assert!(open.is_none(), "a block without end");
    blocks
}
