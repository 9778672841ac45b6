//! Documents and conversations to tokens, and which of the tokens are learned from.

use std::ops::Range;

use hadal_tokenizer::{ChatOptions, Message, Tokenizer};

use crate::conversations::Conversation;
use crate::error::Error;

/// A document as the model reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// Its tokens.
    pub ids: Vec<u32>,
    /// The tokens that are learned from, in order; the others are only read.
    pub trained: Vec<Range<usize>>,
    /// Bytes of the text that is learned from.
    pub n_bytes: usize,
}

/// Encodes a conversation by the tokenizer's own chat template. What the assistant must say is
/// learned from: the content of its turns and the token that ends each. A turn with `weight` 0 is
/// only read, and what follows the last turn that is learned from is left out. `None` where there
/// is nothing to learn.
///
/// Where a turn of the assistant begins is where the template ends when it asks for an answer to
/// the messages before; where the turn ends is where the template ends with it. The text is encoded
/// in the pieces between these places, because a model that answers sees its prompt end there.
///
/// # Errors
/// When the template refuses the conversation, or does not write a message in the same way whatever
/// comes after it.
pub fn encode_conversation(
    tokenizer: &Tokenizer,
    conversation: &Conversation,
) -> Result<Option<Encoded>, Error> {
    let messages = &conversation.messages;
    let render = |messages: &[Message], add_generation_prompt| {
        let tools = conversation.tools.clone();
        let options = ChatOptions { add_generation_prompt, tools, ..ChatOptions::default() };
        tokenizer.apply_chat_template(messages, &options)
    };
    let whole = render(messages, false)?;
    let mut encoded = Encoded::default();
    let mut end = 0;
    for (index, _) in messages.iter().enumerate().filter(|(_, message)| is_learned(message)) {
        let message = index + 1;
        let asked = render(&messages[..index], true)?;
        let answered = render(&messages[..message], false)?;
        if !answered.starts_with(&asked) || asked.len() < end {
            return Err(Error::TemplatePrompt { message });
        }
        if !whole.starts_with(&answered) {
            return Err(Error::TemplatePrefix { message });
        }
        encoded.ids.extend(tokenizer.encode(&whole[end..asked.len()], false)?);
        let answer = tokenizer.encode(&whole[asked.len()..answered.len()], false)?;
        let start = encoded.ids.len();
        let trained = start..start + len_to_say(tokenizer, &answer)?;
        let said = trained.clone().map(|at| at - start);
        encoded.n_bytes += said.map(|at| text_len(tokenizer, answer[at])).sum::<usize>();
        encoded.ids.extend(answer);
        if !trained.is_empty() {
            encoded.trained.push(trained);
        }
        end = answered.len();
    }
    encoded.ids.truncate(encoded.trained.last().map_or(0, |last| last.end));
    Ok((!encoded.trained.is_empty()).then_some(encoded))
}

/// Bytes of text that a token stands for: none if it is special.
pub(crate) fn text_len(tokenizer: &Tokenizer, id: u32) -> usize {
    if tokenizer.is_special(id) { 0 } else { tokenizer.token_bytes(id).map_or(0, <[u8]>::len) }
}

/// OpenAI's fine-tuning leaves out the turns of the assistant that have the weight 0.
fn is_learned(message: &Message) -> bool {
    let weight = message.fields().get("weight").and_then(serde_json::Value::as_f64);
    message.role() == Some("assistant") && weight != Some(0.0)
}

/// How many tokens of a turn the assistant must say: up to its last special token, which ends the
/// turn, if only white space comes after. Generation stops there, and templates that put each turn
/// on a line of its own write a line end that no model is asked for.
fn len_to_say(tokenizer: &Tokenizer, answer: &[u32]) -> Result<usize, Error> {
    let Some(last) = answer.iter().rposition(|&id| tokenizer.is_special(id)) else {
        return Ok(answer.len());
    };
    let rest = tokenizer.decode(&answer[last + 1..], false)?;
    Ok(if rest.trim().is_empty() { last + 1 } else { answer.len() })
}
