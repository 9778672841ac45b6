//! What the names that authors give to elements say of their text.

use crate::extract::dom::{Dom, Tag};

/// What is known of an element's text before it is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hint {
    /// It is not shown, or about the page or the site: menus, shares, advertisements, related pages.
    pub clutter: bool,
    /// It is what readers say of the text.
    pub comments: bool,
    /// It is the text, by what its author calls it.
    pub article: bool,
}

impl Hint {
    /// Whether the text is not the page's own.
    pub(super) fn is_no_text(self) -> bool {
        self.clutter || self.comments
    }

    /// The hint of an element within one with this hint.
    pub(super) fn within(self, inner: Self) -> Self {
        Self {
            clutter: self.clutter || inner.clutter,
            comments: self.comments || inner.comments,
            article: self.article || inner.article,
        }
    }
}

/// What an element's tag and attributes say.
pub(super) fn hint(dom: &Dom<'_>, id: usize) -> Hint {
    let node = &dom.nodes()[id];
    let mut hint = hint_of_tag(node.tag);
    if matches!(node.tag, Tag::Page | Tag::Html | Tag::Body | Tag::A | Tag::Br | Tag::Img) {
        return hint;
    }
    let is_whole = matches!(node.tag, Tag::Article | Tag::Main);
    for (name, value) in dom.attributes(id) {
        match name {
            "class" | "id" | "data-component" | "data-testid" if !is_whole => {
                read_names(value, &mut hint);
            }
            "role" => match value {
                "navigation" | "banner" | "contentinfo" | "complementary" | "search" | "menu"
                | "menubar" | "dialog" | "toolbar" => hint.clutter = true,
                _ => {}
            },
            "itemprop" => match value {
                "articleBody" | "text" => hint.article = true,
                _ => {}
            },
            "hidden" => hint.clutter = true,
            "style" => hint.clutter |= is_hiding(value),
            "aria-hidden" => hint.clutter |= value == "true",
            _ => {}
        }
    }
    hint
}

/// What a tag alone says.
pub(super) fn hint_of_tag(tag: Tag) -> Hint {
    let clutter = matches!(
        tag,
        Tag::Nav | Tag::Aside | Tag::Footer | Tag::Menu | Tag::Search | Tag::Figcaption
    );
    Hint { clutter, ..Hint::default() }
}

/// Whether a style hides its element.
fn is_hiding(style: &str) -> bool {
    let Some(at) = style.find("display") else {
        return false;
    };
    let value = style[at + "display".len()..].trim_start();
    value.strip_prefix(':').is_some_and(|value| value.trim_start().starts_with("none"))
}

/// Reads the words of a class or an id: `relatedPosts`, `related-posts` and `related_posts` are the
/// same two.
fn read_names(names: &str, hint: &mut Hint) {
    for name in names.split_ascii_whitespace() {
        let mut word = [0u8; 24];
        let mut len = 0;
        let mut words = Words::default();
        let mut was_lower = false;
        let mut is_start = true;
        for byte in name.bytes().chain([b'-']) {
            let is_letter = byte.is_ascii_alphabetic();
            if (!is_letter || (byte.is_ascii_uppercase() && was_lower)) && len > 0 {
                // Names that a program made up hold any two letters.
                if len > 3 || (!is_letter && is_start) {
                    words.read(&word[..len]);
                }
                is_start = !is_letter;
                len = 0;
            }
            if is_letter && len < word.len() {
                word[len] = byte.to_ascii_lowercase();
                len += 1;
            }
            was_lower = byte.is_ascii_lowercase();
        }
        if !words.negated {
            hint.clutter |= words.clutter || name == "widget";
            hint.comments |= words.comments;
        }
        hint.article |= words.article && words.body;
    }
}

/// What the words of one name said.
#[derive(Default)]
struct Words {
    clutter: bool,
    comments: bool,
    article: bool,
    body: bool,
    negated: bool,
}

impl Words {
    fn read(&mut self, word: &[u8]) {
        match word {
            b"no" | b"has" | b"with" | b"without" | b"js" | b"is" | b"open" => self.negated = true,
            b"article" | b"post" | b"entry" | b"story" | b"news" | b"blog" | b"page" | b"main" => {
                self.article = true;
            }
            b"body" | b"content" | b"text" | b"contents" => self.body = true,
            b"articlebody" | b"storybody" | b"articlecontent" | b"entrycontent"
            | b"postcontent" | b"postbody" | b"articletext" | b"hentry" => {
                self.article = true;
                self.body = true;
            }
            b"comment" | b"comments" | b"disqus" | b"commentlist" | b"respond" | b"replies"
            | b"livefyre" | b"commenting" => self.comments = true,
            b"nav" | b"navigation" | b"navbar" | b"menu" | b"submenu" | b"footer" | b"sidebar"
            | b"breadcrumb" | b"breadcrumbs" | b"share" | b"sharing" | b"social" | b"sociable"
            | b"related" | b"cookie" | b"cookies" | b"gdpr" | b"consent" | b"newsletter"
            | b"subscribe" | b"subscription" | b"signup" | b"login" | b"advert" | b"adverts"
            | b"advertisement" | b"advertising" | b"ad" | b"ads" | b"adsense" | b"advertorial"
            | b"banner" | b"promo" | b"promos" | b"promoted" | b"promotion" | b"sponsor"
            | b"sponsored" | b"sponsors" | b"outbrain" | b"taboola" | b"recommend"
            | b"recommended" | b"recommendations" | b"popular" | b"trending" | b"toolbar"
            | b"popup" | b"modal" | b"overlay" | b"pager" | b"pagination" | b"paging" | b"tags"
            | b"taglist" | b"byline" | b"copyright" | b"skip" | b"teaser" | b"teasers"
            | b"noprint" | b"sr" | b"caption" | b"credit" | b"credits" | b"author" | b"bio"
            | b"upsell" | b"paywall" | b"masthead" | b"toc" | b"rating" | b"ratings"
            | b"timestamp" | b"dateline" | b"sharebar" | b"sharedaddy" | b"addthis" | b"yarpp"
            | b"wpcaption" | b"disclaimer" | b"legal" | b"metadata" | b"dropdown" | b"search"
            | b"privacy" | b"excerpt" | b"rollover" | b"popover" | b"topics" | b"keywords"
            | b"slideshow" | b"gallery" | b"carousel" | b"infobox" | b"readmore" | b"reveal"
            | b"alert" | b"tooltip" | b"instagram" | b"hidden" | b"printonly" => {
                self.clutter = true;
            }
            _ => {}
        }
    }
}
