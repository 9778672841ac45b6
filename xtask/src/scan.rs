//! Splits Rust source into code and comments, line by line, so that a word in a string or a
//! comment is not taken for code.

/// One line of source: its code with the strings emptied, and the text of its comments.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Line {
    pub(crate) code: String,
    pub(crate) comment: String,
}

enum Inside {
    Code,
    LineComment,
    /// How many block comments are open.
    BlockComment(usize),
    Text,
    /// How many `#` close it.
    RawText(usize),
}

/// The lines of `source`, split.
pub(crate) fn split(source: &str) -> Vec<Line> {
    let chars: Vec<char> = source.chars().collect();
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut inside = Inside::Code;
    let mut at = 0;
    while at < chars.len() {
        let here = chars[at];
        let next = chars.get(at + 1).copied();
        let mut step = 1;
        if here == '\n' {
            lines.push(std::mem::take(&mut line));
            if matches!(inside, Inside::LineComment) {
                inside = Inside::Code;
            }
            at += 1;
            continue;
        }
        match inside {
            Inside::Code => match (here, next) {
                ('/', Some('/')) => {
                    inside = Inside::LineComment;
                    step = 2;
                }
                ('/', Some('*')) => {
                    inside = Inside::BlockComment(1);
                    step = 2;
                }
                ('"', _) => inside = Inside::Text,
                ('r', _) if starts_literal(&chars, at) => match raw_hashes(&chars[at + 1..]) {
                    Some(hashes) => {
                        inside = Inside::RawText(hashes);
                        step = hashes + 2;
                    }
                    None => line.code.push(here),
                },
                ('\'', _) => step = character_len(&chars[at..]),
                _ => line.code.push(here),
            },
            Inside::LineComment => line.comment.push(here),
            Inside::BlockComment(depth) => match (here, next) {
                ('*', Some('/')) => {
                    inside =
                        if depth == 1 { Inside::Code } else { Inside::BlockComment(depth - 1) };
                    step = 2;
                }
                ('/', Some('*')) => {
                    inside = Inside::BlockComment(depth + 1);
                    step = 2;
                }
                _ => line.comment.push(here),
            },
            Inside::Text => match here {
                // An escaped line end is left for the next turn, which counts the line.
                '\\' if next != Some('\n') => step = 2,
                '"' => inside = Inside::Code,
                _ => {}
            },
            Inside::RawText(hashes) => {
                let closes = n_hashes(&chars[at + 1..]) >= hashes;
                if here == '"' && closes {
                    inside = Inside::Code;
                    step = hashes + 1;
                }
            }
        }
        at += step;
    }
    if line != Line::default() {
        lines.push(line);
    }
    lines
}

/// Whether the `r` at `at` can open a raw string: no name ends there, though `b` or `c` may stand
/// before it.
fn starts_literal(chars: &[char], at: usize) -> bool {
    let named = |back: usize| {
        at.checked_sub(back).is_some_and(|i| chars[i].is_alphanumeric() || chars[i] == '_')
    };
    match at.checked_sub(1).map(|i| chars[i]) {
        Some('b' | 'c') => !named(2),
        _ => !named(1),
    }
}

/// How many `#` open the raw string whose `r` stands before `chars`, if one does.
fn raw_hashes(chars: &[char]) -> Option<usize> {
    let hashes = n_hashes(chars);
    (chars.get(hashes) == Some(&'"')).then_some(hashes)
}

fn n_hashes(chars: &[char]) -> usize {
    chars.iter().take_while(|&&c| c == '#').count()
}

/// How many characters the character literal at the start of `chars` has; one for the tick of a
/// lifetime.
fn character_len(chars: &[char]) -> usize {
    match chars {
        ['\'', '\\', _, rest @ ..] => {
            3 + rest.iter().position(|&c| c == '\'').map_or(0, |closing| closing + 1)
        }
        ['\'', _, '\'', ..] => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(source: &str, expected: &[(&str, &str)]) {
        let found = split(source);
        let found: Vec<_> =
            found.iter().map(|line| (line.code.as_str(), line.comment.as_str())).collect();
        assert_eq!(found, expected, "{source}");
    }

    #[test]
    fn comments_leave_the_code() {
        check(
            "let a = 1; // one\n/// two\nb",
            &[("let a = 1; ", " one"), ("", "/ two"), ("b", "")],
        );
        check("a /* x /* y */ z */ b", &[("a  b", " x  y  z ")]);
        check("a /* x\ny */ b", &[("a ", " x"), (" b", "y ")]);
    }

    #[test]
    fn strings_leave_the_code() {
        check(r#"f("unsafe // no", 1)"#, &[("f(, 1)", "")]);
        check(r#"f("a\"b") // c"#, &[("f() ", " c")]);
        check("f(\"a\\\nb\") // c", &[("f(", ""), (") ", " c")]);
        check("f(r#\"a\"b\\\"#) // c", &[("f() ", " c")]);
        check("f(br\"\\\", r##\"\"#\"##)", &[("f(b, )", "")]);
    }

    #[test]
    fn names_and_lifetimes_are_code() {
        check("r#unsafe + for\"x\"", &[("r#unsafe + for", "")]);
        check("fn f<'a>(x: &'a str) {}", &[("fn f<a>(x: &a str) {}", "")]);
    }

    #[test]
    fn characters_leave_the_code() {
        check(r#"['"', '\'', '\\', '\u{22}', 'x'] // c"#, &[("[, , , , ] ", " c")]);
    }
}
