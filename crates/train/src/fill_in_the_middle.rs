//! Fill-in-the-middle: documents rearranged so that a model learns to write what stands between a
//! beginning and an end (Bavarian et al. 2022).

use hadal_tokenizer::Tokenizer;
use hadal_tokenizer::special::{FIM_BEGIN, FIM_END, FIM_HOLE};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::Error;

/// Rearranges a share of documents, in the order and with the tokens of DeepSeek-Coder.
#[derive(Clone, Debug)]
pub(crate) struct FillInTheMiddle {
    rate: f64,
    seed: u64,
    begin: u32,
    hole: u32,
    end: u32,
}

impl FillInTheMiddle {
    /// Rearranges each document with the probability `rate`.
    pub(crate) fn new(rate: f64, seed: u64, tokenizer: &Tokenizer) -> Result<Self, Error> {
        let tokens = [FIM_BEGIN, FIM_HOLE, FIM_END];
        let ids = tokens.map(|token| tokenizer.token_to_id(token));
        let [Some(begin), Some(hole), Some(end)] = ids else {
            let missing = tokens.iter().zip(ids).filter(|(_, id)| id.is_none());
            let missing = missing.map(|(token, _)| (*token).to_owned()).collect();
            return Err(Error::NoGapTokens { missing });
        };
        Ok(FillInTheMiddle { rate, seed, begin, hole, end })
    }

    /// The tokens of document `index`; the choices are a function of the seed and the index.
    ///
    /// Two places between characters, each as likely as any other, cut the text into prefix, middle
    /// and suffix, which are encoded one by one. Half of the rearranged documents are written as
    /// `begin prefix hole suffix end middle`, the others as `begin hole suffix end prefix middle`
    /// (the paper's PSM and SPM, which it trains jointly).
    pub(crate) fn encode(
        &self,
        tokenizer: &Tokenizer,
        text: &str,
        index: u64,
    ) -> Result<Vec<u32>, Error> {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(index);
        if random.random::<f64>() >= self.rate {
            return Ok(tokenizer.encode(text, false)?);
        }
        let n_chars = text.chars().count();
        let mut cuts = [(); 2].map(|()| random.random_range(0..=n_chars));
        cuts.sort_unstable();
        let [first, second] = cuts.map(|n| text.char_indices().nth(n).map_or(text.len(), |c| c.0));
        let encode = |text: &str| tokenizer.encode(text, false);
        let prefix = encode(&text[..first])?;
        let middle = encode(&text[first..second])?;
        let suffix = encode(&text[second..])?;
        Ok(if random.random::<bool>() {
            [&[self.begin], &*prefix, &[self.hole], &*suffix, &[self.end], &*middle].concat()
        } else {
            [&[self.begin, self.hole], &*suffix, &[self.end], &*prefix, &*middle].concat()
        })
    }
}
