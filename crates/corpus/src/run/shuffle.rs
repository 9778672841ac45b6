//! Texts to shards: as often as the mixture asks for, in an order that nothing but the seed decides.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, BooleanArray, UInt64Array};
use datafusion::arrow::datatypes::{DataType, UInt32Type, UInt64Type};

use super::recipe::Recipe;
use super::relations::Relations;
use super::tables::lists;
use crate::Error;
use crate::pack::{Available, Epochs, Report, ShardWriter, copies, epochs, is_held_out, place};
use crate::table::Output;

/// The epochs of each source of a recipe, by the tokens that the table `texts` has of it.
pub(super) fn mixture(
    relations: &Relations,
    recipe: &Recipe,
    most_epochs: Epochs,
) -> Result<BTreeMap<String, Epochs>, Error> {
    let mut n_tokens: BTreeMap<String, u64> = BTreeMap::new();
    relations.rows(
        "the tokens of each source",
        "SELECT source, sum(CAST(n_tokens AS BIGINT UNSIGNED)) FROM texts
         WHERE NOT held_out(origin) GROUP BY source",
        |rows| {
            let sources = rows.column(0).as_string::<i32>().iter().flatten();
            let sums = rows.column(1).as_primitive::<UInt64Type>().values();
            n_tokens.extend(sources.map(str::to_owned).zip(sums.iter().copied()));
            Ok(())
        },
    )?;
    let available: Vec<Available> = recipe
        .sources
        .iter()
        .map(|source| Available {
            n_tokens: n_tokens.get(&source.name).copied().unwrap_or(0),
            share: source.share,
        })
        .collect();
    let names = recipe.sources.iter().map(|source| source.name.clone());
    Ok(names.zip(epochs(&available, most_epochs)).collect())
}

/// Writes the texts that are learned from into shards.
pub(super) fn train(
    relations: &Relations,
    seed: u64,
    epochs: BTreeMap<String, Epochs>,
    writer: ShardWriter,
) -> Result<(Report, BTreeMap<String, Output>), Error> {
    let most = epochs.values().fold(0.0, |most: f64, &epochs| most.max(epochs)).ceil() as u64;
    let numbers: Vec<String> = (0..most.max(1)).map(|copy| format!("({copy})")).collect();
    relations.function(
        "copies",
        vec![DataType::Utf8, DataType::UInt64],
        DataType::UInt64,
        Arc::new(move |columns| {
            let sources = columns[0].as_string::<i32>().iter();
            let numbers = columns[1].as_primitive::<UInt64Type>().values();
            let counts = sources.zip(numbers).map(|(source, &number)| {
                let epochs = source.and_then(|source| epochs.get(source)).copied();
                copies(seed, number, epochs.unwrap_or(0.0))
            });
            Ok(Arc::new(UInt64Array::from_iter_values(counts)))
        }),
    );
    pack(
        relations,
        &format!(
            "SELECT tokens, n_bytes FROM
             (SELECT CAST(column1 AS BIGINT UNSIGNED) AS c FROM (VALUES {}))
             CROSS JOIN texts
             WHERE NOT held_out(origin) AND copies(source, number) > c
             ORDER BY place(number, c), number, c",
            numbers.join(",")
        ),
        writer,
    )
}

/// Writes the texts that are measured on into shards; copies of them that augmentation
/// made are left out, of both.
pub(super) fn validation(
    relations: &Relations,
    writer: ShardWriter,
) -> Result<(Report, BTreeMap<String, Output>), Error> {
    pack(
        relations,
        "SELECT tokens, n_bytes FROM texts WHERE held_out(origin) AND copy = 0
         ORDER BY place(number, CAST(0 AS BIGINT UNSIGNED)), number",
        writer,
    )
}

fn pack(
    relations: &Relations,
    sql: &str,
    mut writer: ShardWriter,
) -> Result<(Report, BTreeMap<String, Output>), Error> {
    relations.long_rows("the shuffled texts", sql, |rows| {
        let n_bytes = rows.column(1).as_primitive::<UInt32Type>().values();
        let mut texts = lists(rows.column(0)).zip(n_bytes);
        texts.try_for_each(|(tokens, &n_bytes)| writer.add(tokens, n_bytes))
    })?;
    writer.finish()
}

/// Registers the functions that chance is drawn by, which all plans here use.
pub(super) fn register(relations: &Relations, seed: u64, validation: f64) {
    relations.function(
        "held_out",
        vec![DataType::UInt64],
        DataType::Boolean,
        Arc::new(move |columns| {
            let numbers = columns[0].as_primitive::<UInt64Type>().values();
            let held_out = numbers.iter().map(|&n| Some(is_held_out(seed, n, validation)));
            Ok(Arc::new(BooleanArray::from_iter(held_out)))
        }),
    );
    relations.function(
        "place",
        vec![DataType::UInt64, DataType::UInt64],
        DataType::UInt64,
        Arc::new(move |columns| {
            let [numbers, copies] =
                [0, 1].map(|column| columns[column].as_primitive::<UInt64Type>().values());
            let places = numbers.iter().zip(copies).map(|(&n, &copy)| place(seed, n, copy));
            Ok(Arc::new(UInt64Array::from_iter_values(places)))
        }),
    );
}
