//! What the user types: edited in a terminal, or line by line from a file or pipe.

use std::io::{self, IsTerminal};

use anyhow::Result;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{Config, Editor};

/// The lines of standard input.
pub(crate) enum Lines {
    /// Edited, with the lines before to go back to; they are not kept after the program ends.
    Terminal(Box<Editor<(), MemHistory>>),
    /// As they come.
    Pipe,
}

impl Lines {
    /// Terminal or pipe, as standard input is.
    pub(crate) fn open() -> Result<Lines> {
        if !io::stdin().is_terminal() {
            return Ok(Lines::Pipe);
        }
        let config = Config::builder().auto_add_history(true).build();
        let history = MemHistory::with_config(&config);
        let editor = Editor::with_history(config, history)?;
        Ok(Lines::Terminal(Box::new(editor)))
    }

    /// Whether a person types them.
    pub(crate) fn are_typed(&self) -> bool {
        matches!(self, Lines::Terminal(_))
    }

    /// The next line without its end; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<String>> {
        match self {
            Lines::Terminal(editor) => loop {
                match editor.readline("> ") {
                    Ok(line) => return Ok(Some(line)),
                    Err(ReadlineError::Eof) => return Ok(None),
                    Err(ReadlineError::Interrupted) => eprintln!("(/quit or Ctrl-D to leave)"),
                    Err(error) => return Err(error.into()),
                }
            },
            Lines::Pipe => {
                let mut line = String::new();
                let n_read = io::stdin().read_line(&mut line)?;
                Ok((n_read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
            }
        }
    }
}
