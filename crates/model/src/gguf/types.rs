//! The number formats of GGUF by the numbers that files say them with.

use hadal_tensor::DType;

/// The formats that are read.
const READ: [(u32, DType); 17] = [
    (0, DType::F32),
    (1, DType::F16),
    (2, DType::Q4_0),
    (3, DType::Q4_1),
    (6, DType::Q5_0),
    (7, DType::Q5_1),
    (8, DType::Q8_0),
    (10, DType::Q2K),
    (11, DType::Q3K),
    (12, DType::Q4K),
    (13, DType::Q5K),
    (14, DType::Q6K),
    (20, DType::Iq4Nl),
    (23, DType::Iq4Xs),
    (26, DType::I32),
    (30, DType::Bf16),
    (39, DType::Mxfp4),
];

/// Formats that are only known by name, for the message that refuses them.
const NAMED: [(u32, &str); 17] = [
    (9, "q8_1"),
    (15, "q8_k"),
    (16, "iq2_xxs"),
    (17, "iq2_xs"),
    (18, "iq3_xxs"),
    (19, "iq1_s"),
    (21, "iq3_s"),
    (22, "iq2_s"),
    (24, "i8"),
    (25, "i16"),
    (27, "i64"),
    (28, "f64"),
    (29, "iq1_m"),
    (34, "tq1_0"),
    (35, "tq2_0"),
    (40, "nvfp4"),
    (41, "q1_0"),
];

/// The format of a number.
pub(super) fn dtype(id: u32) -> Option<DType> {
    READ.iter().find(|(known, _)| *known == id).map(|(_, dtype)| *dtype)
}

/// The number of a format; none for what GGUF does not have.
pub(super) fn id(dtype: DType) -> Option<u32> {
    READ.iter().find(|(_, known)| *known == dtype).map(|(id, _)| *id)
}

/// What to call a format that is not read.
pub(super) fn name(id: u32) -> String {
    let named = NAMED.iter().find(|(known, _)| *known == id);
    named.map_or_else(|| format!("type {id}"), |(_, name)| (*name).to_owned())
}

/// The formats that are read, for messages.
pub(super) fn known() -> String {
    READ.map(|(_, dtype)| dtype.name()).join(", ")
}
