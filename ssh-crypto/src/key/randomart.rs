//! Fingerprints as pictures: the walk of the drunken bishop (Loss, Limmer, von Gernler: *The drunken bishop*, 2009).

const WIDTH: usize = 17;
const HEIGHT: usize = 9;
/// By the number of visits, but for the last two: the start and the end.
const SYMBOLS: &[u8; 17] = b" .o+=*BOX@%&#/^SE";
const START: usize = SYMBOLS.len() - 2;
const END: usize = SYMBOLS.len() - 1;

/// The picture of `digest` with `title` in its upper border, or `short` where that does not fit, and `foot` in the lower.
/// The last line has no line feed.
pub(super) fn draw(digest: &[u8], title: &str, short: &str, foot: &str) -> String {
    let board = walk(digest);
    let bracketed = format!("[{title}]");
    let mut picture = match bracketed.len() < WIDTH {
        true => border(&bracketed),
        false => border(&format!("[{short}]")),
    };
    for row in board {
        picture.push_str("\n|");
        picture.extend(row.map(|visits| char::from(SYMBOLS[visits])));
        picture.push('|');
    }
    picture.push('\n');
    picture.push_str(&border(&format!("[{foot}]")));
    picture
}

fn walk(digest: &[u8]) -> [[usize; WIDTH]; HEIGHT] {
    let mut board = [[0; WIDTH]; HEIGHT];
    let (mut x, mut y) = (WIDTH / 2, HEIGHT / 2);
    // Two bits a step, the lowest first: right or left, down or up, and along the wall when there is one.
    for step in digest.iter().flat_map(|byte| [0, 2, 4, 6].map(|shift| byte >> shift)) {
        x = if step & 1 == 1 { (x + 1).min(WIDTH - 1) } else { x.saturating_sub(1) };
        y = if step & 2 == 2 { (y + 1).min(HEIGHT - 1) } else { y.saturating_sub(1) };
        board[y][x] = (board[y][x] + 1).min(START - 1);
    }
    board[HEIGHT / 2][WIDTH / 2] = START;
    board[y][x] = END;
    board
}

fn border(title: &str) -> String {
    let room = WIDTH.saturating_sub(title.len());
    format!("+{}{title}{}+", "-".repeat(room / 2), "-".repeat(room - room / 2))
}

#[cfg(test)]
mod tests {
    #[test]
    fn example_of_the_paper() {
        // The worked example of the paper: fc:94:b0:c1:e5:b0:98:7c:58:43:99:76:97:ee:9f:b7.
        let digest = 0xfc94_b0c1_e5b0_987c_5843_9976_97ee_9fb7_u128.to_be_bytes();
        let expected = "\
+---[RSA 1024]----+
|       .=o.  .   |
|     . *+*. o    |
|      =.*..o     |
|       o + ..    |
|        S o.     |
|         o  .    |
|          .  . . |
|              o .|
|               E.|
+------[MD5]------+";
        assert_eq!(super::draw(&digest, "RSA 1024", "RSA", "MD5"), expected);
    }

    #[test]
    fn long_titles_lose_the_size() {
        let picture = super::draw(&[], "ED25519-CERT 256", "ED25519-CERT", "SHA256");
        assert!(picture.starts_with("+-[ED25519-CERT]--+\n"), "{picture}");
    }

    #[test]
    fn longer_labels_do_not_panic() {
        super::draw(&[1], &"x".repeat(100), &"x".repeat(90), "SHA256");
    }
}
