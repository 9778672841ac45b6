//! A conversation as the model sees it.

use anyhow::Result;
use hadal_tokenizer::{ChatOptions, Message, Tokenizer};

/// What has been said.
pub(crate) enum Conversation {
    /// Turns that the model's chat template renders.
    Turns { system: Option<String>, messages: Vec<Message> },
    /// One text that the model continues, for a model without a chat template.
    Text(String),
}

impl Conversation {
    /// An empty conversation of the kind that the tokenizer can render.
    pub(crate) fn new(tokenizer: &Tokenizer, system: Option<String>) -> Self {
        if tokenizer.has_chat_template() {
            Conversation::Turns { system, messages: Vec::new() }
        } else {
            Conversation::Text(system.unwrap_or_default())
        }
    }

    /// Adds what the user said.
    pub(crate) fn ask(&mut self, line: &str) {
        match self {
            Conversation::Turns { messages, .. } => messages.push(Message::new("user", line)),
            Conversation::Text(text) => text.push_str(line),
        }
    }

    /// Takes back what the user said last.
    pub(crate) fn take_back(&mut self, line: &str) {
        match self {
            Conversation::Turns { messages, .. } => {
                messages.pop();
            }
            Conversation::Text(text) => {
                if let Some(before) = text.strip_suffix(line) {
                    text.truncate(before.len());
                }
            }
        }
    }

    /// Adds what the model said.
    pub(crate) fn answer(&mut self, answer: &str) {
        match self {
            Conversation::Turns { messages, .. } => {
                messages.push(Message::new("assistant", answer));
            }
            Conversation::Text(text) => text.push_str(answer),
        }
    }

    /// The tokens of all that was said, ending where the model is to speak.
    fn render(&self, tokenizer: &Tokenizer) -> Result<Vec<u32>> {
        match self {
            Conversation::Turns { system, messages } => {
                let system = system.iter().map(|text| Message::new("system", text.as_str()));
                let messages: Vec<Message> = system.chain(messages.iter().cloned()).collect();
                let text = tokenizer.apply_chat_template(&messages, &ChatOptions::for_answer())?;
                Ok(tokenizer.encode(&text, false)?)
            }
            Conversation::Text(text) => Ok(tokenizer.encode(text, true)?),
        }
    }

    /// The tokens of as much of the conversation as fits into `room`: what was said first is
    /// forgotten first, and the last question stays. Also whether anything was forgotten.
    pub(crate) fn prompt(
        &mut self,
        tokenizer: &Tokenizer,
        room: usize,
    ) -> Result<(Vec<u32>, bool)> {
        let mut has_forgotten = false;
        loop {
            let ids = self.render(tokenizer)?;
            if ids.len() <= room || !self.forget_first() {
                return Ok((ids, has_forgotten));
            }
            has_forgotten = true;
        }
    }

    /// Forgets the first question with its answer, or the first half of a text.
    fn forget_first(&mut self) -> bool {
        match self {
            Conversation::Turns { messages, .. } => {
                let second_question =
                    messages.iter().skip(1).position(|message| message.role() == Some("user"));
                messages.drain(..second_question.map_or(0, |index| index + 1));
                second_question.is_some()
            }
            Conversation::Text(text) => {
                let half = text.floor_char_boundary(text.len() / 2);
                text.drain(..half);
                half > 0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hadal_tokenizer::{TrainSpec, train_byte_level_bpe};

    use super::*;

    fn tokenizer() -> Tokenizer {
        train_byte_level_bpe(["deep".to_owned()].into_iter(), &TrainSpec::new(264)).unwrap()
    }

    fn rendered(conversation: &mut Conversation, room: usize) -> (String, bool) {
        let (ids, has_forgotten) = conversation.prompt(&tokenizer(), room).unwrap();
        (tokenizer().decode(&ids, true).unwrap(), has_forgotten)
    }

    #[test]
    fn the_first_turns_are_forgotten_first_and_the_system_message_never() {
        let mut conversation = Conversation::new(&tokenizer(), Some("S".to_owned()));
        for turn in ["a", "b", "c"] {
            conversation.ask(turn);
            conversation.answer(&turn.to_uppercase());
        }
        conversation.ask("d");
        assert_eq!(rendered(&mut conversation, 100), ("SaAbBcCd".to_owned(), false));
        // Begin, system, question, answer with their marks: 1 + 1 + 2 + 3 + 2 + 1 tokens.
        assert_eq!(rendered(&mut conversation, 10), ("ScCd".to_owned(), true));
        assert_eq!(rendered(&mut conversation, 1), ("Sd".to_owned(), true));
    }

    #[test]
    fn a_text_keeps_its_end() {
        let mut conversation = Conversation::Text("one two ".to_owned());
        conversation.ask("three four");
        let (text, has_forgotten) = rendered(&mut conversation, 8);
        assert!(has_forgotten && "one two three four".ends_with(&text) && text.len() < 10);
    }
}
