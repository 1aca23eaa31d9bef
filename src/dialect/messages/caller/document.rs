//! Documents and search results as parts of chat's messages.

use super::{
    Inexpressible, Object,
    content::{Block, blocks, parts as parts_of, source, text_part, texts},
    required, section, text,
};
use serde_json::{Value, json};

/// Chat wants a name for a file, and some providers its ending.
const UNTITLED: &str = "document.pdf";

/// What a document amounts to: a file, or what is in it with its title and context before it.
pub(super) fn parts(block: &Object, path: &str) -> Result<Vec<Value>, Inexpressible> {
    refuse_citations(block, path)?;
    let (source, kind) = source(block, path)?;
    let said = |field: &str| text(block, field, || format!("{path}.{field}"));
    let (title, context) = (said("title")?, said("context")?);
    let field = |field: &str| required(source, field, || format!("{path}.source.{field}"));
    let mut content = match kind {
        "base64" => {
            let data = format!("data:{};base64,{}", field("media_type")?, field("data")?);
            let file = json!({"filename": title.unwrap_or(UNTITLED), "file_data": data});
            let file = json!({"type": "file", "file": file});
            return Ok(context.and_then(text_part).into_iter().chain([file]).collect());
        }
        "text" => text_part(field("data")?).into_iter().collect(),
        "content" => nested(source, &format!("{path}.source.content"))?,
        "url" => {
            let problem = "documents are not fetched here: send the document itself, in base64";
            return Err(Inexpressible::new(format!("{path}.source.type"), problem));
        }
        _ => return Err(Inexpressible::new(format!("{path}.source.type"), "must be base64, text or content")),
    };
    content.splice(0..0, [title, context].into_iter().flatten().filter_map(text_part));
    Ok(content)
}

/// What a search found, as one text with title and source before it.
pub(super) fn search_result(block: &Object, path: &str) -> Result<Vec<Value>, Inexpressible> {
    refuse_citations(block, path)?;
    let field = |field: &str| required(block, field, || format!("{path}.{field}"));
    let mut found = format!("{}\n{}", field("title")?, field("source")?);
    for part in texts(block.get("content"), &format!("{path}.content"))? {
        found.push('\n');
        found.push_str(part["text"].as_str().unwrap_or_default());
    }
    Ok(text_part(&found).into_iter().collect())
}

/// The texts and pictures in a document that was made of blocks.
fn nested(source: &Object, path: &str) -> Result<Vec<Value>, Inexpressible> {
    let mut all = Vec::new();
    for (block, path) in blocks(source.get("content"), path)? {
        match block {
            Block::Text(_) | Block::Other { kind: "image", .. } => all.extend(parts_of(&block, &path)?),
            Block::Other { kind, .. } => return Err(Block::misplaced(kind, &path)),
        }
    }
    Ok(all)
}

fn refuse_citations(block: &Object, path: &str) -> Result<(), Inexpressible> {
    let citations = section(block, "citations", || format!("{path}.citations"))?;
    if citations.is_some_and(|citations| citations.get("enabled").is_some_and(|enabled| enabled == true)) {
        return Err(Inexpressible::new(format!("{path}.citations"), "only Anthropic's models cite by blocks"));
    }
    Ok(())
}
