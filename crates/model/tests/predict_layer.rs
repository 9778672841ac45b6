//! The layer that predicts the token after next, with a cache and without.

use hadal_model::{Batch, Cache, Config, Decoder, ResidentWeights, initialise};
use hadal_tensor::{Backend, Reference, Tensor};
use serde_json::json;

#[test]
fn its_cache_gives_what_the_whole_text_gives() {
    let config = Config::from_value(json!({
        "model_type": "deepseek_v3", "vocab_size": 40, "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 48, "kv_lora_rank": 16,
        "qk_nope_head_dim": 8, "qk_rope_head_dim": 8, "v_head_dim": 8,
        "max_position_embeddings": 64, "initializer_range": 0.3, "num_nextn_predict_layers": 1
    }))
    .expect("it is sound");
    let tensors = initialise(&config, 7);
    let mut take = |name: &str, _: &[usize]| {
        let found = tensors.iter().find(|(p, _)| p.name == name);
        Ok(found.expect("it is there").1.clone())
    };
    let weights = ResidentWeights::assemble(&config, &mut take).expect("nothing is missing");
    let device: &dyn Backend = &Reference;
    let decoder = Decoder::new(config.clone(), device, 64);
    let ids: Vec<u32> = (0..21).map(|i| i * 17 % 40).collect();
    let text = &ids[..20];
    let batch = Batch::of_texts([text]).expect("there are tokens");
    let main = decoder.forward(device, &weights, &batch, None).expect("it runs").hidden;
    let next = |range: std::ops::Range<usize>| {
        let next: Vec<i32> =
            ids[range.start + 1..range.end + 1].iter().map(|i| *i as i32).collect();
        Tensor::from_slice(&next, &[next.len()])
    };
    let (whole, _) = decoder
        .predict_second(device, &weights, &main, &next(0..20), &batch, None)
        .expect("it runs");

    let mut cache = Cache::of_predict_layer(&config, device, 20);
    let mut found = Vec::new();
    for range in [0..11, 11..15, 15..16, 16..20] {
        let batch = Batch::continuing(range.start, &text[range.clone()]).expect("some");
        let hidden = main.row_range(range.clone());
        let next = next(range);
        let (hidden, _) = decoder
            .predict_second(device, &weights, &hidden, &next, &batch, Some(&mut cache))
            .expect("it runs");
        found.extend(hidden.to_f32_vec());
    }
    assert_eq!(cache.len(), 20);
    let expected = whole.to_f32_vec();
    assert_eq!(found.len(), expected.len());
    let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-5, "{worst}");

    let batch = Batch::continuing(20, &[3]).expect("one");
    let one = main.row_range(19..20);
    let full =
        decoder.predict_second(device, &weights, &one, &next(19..20), &batch, Some(&mut cache));
    assert!(matches!(full, Err(hadal_model::Error::ContextFull { wanted: 21, capacity: 20 })));
}
