//! What pages say to their readers between and after their text.

/// Beginnings of lines that ask to do something else than read on, or say where the page is from.
const INVITATIONS: &[&str] = &[
    "advertisement",
    "all rights reserved",
    "anzeige",
    "click here",
    "copyright",
    "download our",
    "download the",
    "filed under",
    "follow me",
    "follow us",
    "get the latest",
    "image credit",
    "image:",
    "last updated",
    "leave a comment",
    "photo:",
    "posted by",
    "posted in",
    "published:",
    "share this",
    "sign up",
    "source:",
    "subscribe",
    "tags:",
    "tell us what you",
    "updated at",
    "updated:",
    "view comments",
    "want more",
];

/// Beginnings of lines after which links to other pages stand.
const ABOUT_OTHERS: &[&str] = &[
    "also read",
    "auch interessant",
    "das könnte",
    "don't miss",
    "explore further",
    "lesen sie auch",
    "mehr zum thema",
    "more from",
    "more on",
    "read also",
    "read more",
    "read next",
    "related",
    "see also",
    "see more",
    "weitere artikel",
    "weitere beiträge",
    "weitere themen",
    "weiterlesen",
    "à lire aussi",
    "lire aussi",
    "相关阅读",
    "相关文章",
    "延伸阅读",
    "推荐阅读",
];

/// The longest line taken for such a phrase, in bytes.
const LONGEST: usize = 200;

/// Whether a line asks the reader to do something else than read on.
pub(super) fn is_invitation(text: &str) -> bool {
    begins_with(text, INVITATIONS)
        || (text.len() < 60 && begins_with(text, &["by "]))
        || text.starts_with('©')
}

/// Whether a line leads to other pages.
pub(super) fn is_about_other(text: &str) -> bool {
    begins_with(text, ABOUT_OTHERS)
}

fn begins_with(text: &str, phrases: &[&str]) -> bool {
    if text.len() > LONGEST {
        return false;
    }
    let lower = text.to_lowercase();
    let lower = lower.trim_start_matches(|letter: char| !letter.is_alphanumeric());
    phrases.iter().any(|phrase| lower.starts_with(phrase))
}
