//! Any text as a chat template: it renders or fails within its fuel.
#![no_main]

use hadal_tokenizer::{ChatOptions, ChatTemplate, Message};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|source: &str| {
    if let Ok(template) = ChatTemplate::new(source) {
        let messages = [Message::new("user", "hello"), Message::new("assistant", "yes")];
        let tokens = [("bos_token", "<s>"), ("eos_token", "</s>")];
        let _ = template.render(&messages, &ChatOptions::for_answer(), &tokens);
    }
});
