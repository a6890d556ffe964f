//! The time of `expiry-time`.

/// No place on earth has a clock that is further ahead.
const EARLIEST: i64 = 14 * 3600;

/// Reads `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with a `Z` for UTC; in seconds since 1970. Without it, the
/// earliest time that is meant anywhere.
pub(super) fn expiry(text: &str) -> Option<u64> {
    let (digits, ahead) = match text.strip_suffix(['Z', 'z']) {
        Some(digits) => (digits, 0),
        None => (text, EARLIEST),
    };
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| match digits.get(from..to) {
        Some(digits) => digits.parse::<i64>().ok(),
        None => Some(0),
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(8, 10)?, number(10, 12)?, number(12, 14)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 60 || year < 1970 {
        return None;
    }
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    // From 1 March of the year 0 to 1970.
    let days = before - 719_468;
    u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second - ahead).ok()
}

#[cfg(test)]
mod tests {
    use super::expiry;

    #[test]
    fn times() {
        for (text, seconds) in [
            ("19700102Z", 86_400),
            ("20000229Z", 951_782_400),
            ("20000301Z", 951_868_800),
            ("202401010000Z", 1_704_067_200),
            ("20240101000001Z", 1_704_067_201),
            ("20381231235959z", 2_177_452_799),
            ("202401011400", 1_704_067_200),
        ] {
            assert_eq!(expiry(text), Some(seconds), "{text}");
        }
        for text in [
            "",
            "Z",
            "2024",
            "20240230Z",
            "20230229Z",
            "20241301Z",
            "20240100Z",
            "2024010124Z",
            "202401012400Z",
            "2024 101",
            "+2024010",
            "19691231Z",
            "20240101é",
        ] {
            assert_eq!(expiry(text), None, "{text}");
        }
    }
}
