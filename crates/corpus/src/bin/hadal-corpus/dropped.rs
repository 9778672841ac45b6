//! Where dropped records go.

use std::fs::File;
use std::io::{BufWriter, Write, sink};
use std::path::Path;

use anyhow::{Context, Result};

/// The file that was named, or nowhere.
pub(crate) fn open(path: Option<&Path>) -> Result<Box<dyn Write>> {
    let Some(path) = path else { return Ok(Box::new(sink())) };
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}
