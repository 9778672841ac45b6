//! Numbers of Chinese identity cards (GB 11643-1999), told from others by what they must hold.

/// Whether 18 characters are one: a province, a day of birth, and the check digit of ISO 7064,
/// MOD 11-2. One in eleven numbers that look right otherwise has it by chance.
pub(super) fn is_identity_card(number: &str) -> bool {
    let bytes = number.as_bytes();
    if bytes.len() != 18 || !bytes[..17].iter().all(u8::is_ascii_digit) {
        return false;
    }
    let digits = |from: usize, to: usize| {
        bytes[from..to].iter().fold(0u32, |number, digit| number * 10 + u32::from(digit - b'0'))
    };
    is_province(digits(0, 2)) && is_day(digits(6, 10), digits(10, 12), digits(12, 14)) && {
        let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        let sum: u32 =
            bytes.iter().zip(weights).map(|(digit, w)| u32::from(digit - b'0') * w).sum();
        bytes[17].to_ascii_uppercase() == b"10X98765432"[sum as usize % 11]
    }
}

/// Codes of GB/T 2260, and those for Hong Kong, Macau, Taiwan and foreign residents.
fn is_province(code: u32) -> bool {
    matches!(code, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91)
}

fn is_day(year: u32, month: u32, day: u32) -> bool {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let n_days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return false,
    };
    (1850..2100).contains(&year) && (1..=n_days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_have_a_province_a_day_and_a_check_digit() {
        // The example of the standard itself.
        assert!(is_identity_card("11010519491231002X"));
        assert!(is_identity_card("440524188001010014"));
        assert!(!is_identity_card("110105194912310021"));
        assert!(!is_identity_card("990105194912310029"));
        assert!(!is_identity_card("110105194902310020"));
        assert!(!is_identity_card("1101051949123100"));
    }
}
