//! Rotary positions, and what of them a configuration may say.

use hadal_tensor::RotaryLayout;

use crate::error::Error;
use crate::keys::Keys;

use super::family::{Family, listed};

/// Rotary position embedding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RopeConfig {
    /// Base of the wavelengths.
    pub theta: f64,
    /// Which numbers form a pair.
    pub layout: RotaryLayout,
    /// Stretching to longer contexts.
    pub stretch: Option<Stretch>,
}

/// How wavelengths are stretched, so that positions beyond the first context are understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stretch {
    /// All alike (Chen et al. 2023).
    Linear {
        /// How many times.
        factor: f64,
    },
    /// The long ones alone, as in Llama 3.1.
    Llama3(Llama3Config),
    /// The long ones alone, and scores sharpened.
    Yarn(YarnConfig),
}

/// Llama 3.1's stretching, between two wavelengths gradual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Llama3Config {
    /// How many times longer the context becomes.
    pub factor: f64,
    /// Positions of the original context.
    pub original_positions: usize,
    /// Wavelengths of which the original context holds fewer than this are stretched fully.
    pub low_turns: f64,
    /// Wavelengths of which the original context holds more than this stay as they are.
    pub high_turns: f64,
}

/// YaRN (Peng et al. 2023) with DeepSeek's two temperatures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct YarnConfig {
    /// How many times longer the context becomes.
    pub factor: f64,
    /// Positions of the original context.
    pub original_positions: usize,
    /// Dimensions that turn more often than this in the original context stay as they are.
    pub beta_fast: f64,
    /// Dimensions that turn less often than this are interpolated fully.
    pub beta_slow: f64,
    /// Temperature of cosines and sines, above that of [`YarnConfig::mscale_all_dim`].
    pub mscale: f64,
    /// Temperature of the whole softmax, squared there; 0 for none.
    pub mscale_all_dim: f64,
}

impl RopeConfig {
    /// YaRN, where it is what stretches.
    pub(crate) fn yarn(&self) -> Option<YarnConfig> {
        match self.stretch {
            Some(Stretch::Yarn(yarn)) => Some(yarn),
            _ => None,
        }
    }
}

impl YarnConfig {
    /// `0.1 · mscale · ln(factor) + 1`.
    pub(crate) fn temperature(&self, mscale: f64) -> f64 {
        if self.factor <= 1.0 { 1.0 } else { 0.1 * mscale * self.factor.ln() + 1.0 }
    }
}

/// Reads `rope_theta` with `rope_scaling`, or the newer `rope_parameters`.
pub(super) fn rope(
    keys: &mut Keys,
    family: &Family,
    max_positions: usize,
) -> Result<RopeConfig, Error> {
    let interleaved = match family.rotary.interleaved {
        Some(interleaved) => interleaved,
        None => keys.flag_or("rope_interleave", true)?,
    };
    let outer_theta = keys.positive_if_given("rope_theta")?;
    let (theta, stretch) = match (keys.object("rope_parameters")?, keys.object("rope_scaling")?) {
        (Some(_), Some(_)) => {
            return Err(keys.bad("rope_scaling", "given", "absent where rope_parameters is given"));
        }
        (Some(mut inner), None) => {
            let theta = inner.positive_if_given("rope_theta")?;
            (outer_theta.or(theta), stretch(inner, family)?)
        }
        (None, Some(inner)) => (outer_theta, stretch(inner, family)?),
        (None, None) => (outer_theta, None),
    };
    let is_needed = |stretch: &Stretch| match stretch {
        Stretch::Yarn(yarn) if family.rotary.deepseek_yarn => {
            max_positions > yarn.original_positions
        }
        _ => true,
    };
    Ok(RopeConfig {
        theta: theta.unwrap_or(10_000.0),
        layout: if interleaved { RotaryLayout::Interleaved } else { RotaryLayout::HalfSplit },
        stretch: stretch.filter(is_needed),
    })
}

fn stretch(mut keys: Keys, family: &Family) -> Result<Option<Stretch>, Error> {
    let kind = [keys.word("rope_type")?, keys.word("type")?].into_iter().flatten().next();
    let kind = kind.as_deref().unwrap_or("default");
    if !family.rotary.stretches.contains(&kind) {
        return Err(keys.bad("type", format!("{kind:?}"), listed(family.rotary.stretches)));
    }
    let stretch = match kind {
        "linear" => Some(Stretch::Linear { factor: keys.positive("factor")? }),
        "llama3" => Some(Stretch::Llama3(llama3(&mut keys)?)),
        "yarn" => Some(Stretch::Yarn(yarn(&mut keys, family)?)),
        _ => None,
    };
    keys.finish(family.name)?;
    Ok(stretch)
}

fn llama3(keys: &mut Keys) -> Result<Llama3Config, Error> {
    let low_turns = keys.positive("low_freq_factor")?;
    let high_turns = keys.positive("high_freq_factor")?;
    if high_turns <= low_turns {
        let expected = format!("more than low_freq_factor, {low_turns}");
        return Err(keys.bad("high_freq_factor", high_turns, expected));
    }
    Ok(Llama3Config {
        factor: keys.positive("factor")?,
        original_positions: keys.size("original_max_position_embeddings")?,
        low_turns,
        high_turns,
    })
}

fn yarn(keys: &mut Keys, family: &Family) -> Result<YarnConfig, Error> {
    let (mscale, mscale_all_dim) = if family.rotary.deepseek_yarn {
        (keys.number_or("mscale", 1.0)?, keys.number_or("mscale_all_dim", 0.0)?)
    } else {
        (1.0, 0.0)
    };
    Ok(YarnConfig {
        factor: keys.positive("factor")?,
        original_positions: keys.size("original_max_position_embeddings")?,
        beta_fast: keys.positive_if_given("beta_fast")?.unwrap_or(32.0),
        beta_slow: keys.positive_if_given("beta_slow")?.unwrap_or(1.0),
        mscale,
        mscale_all_dim,
    })
}
