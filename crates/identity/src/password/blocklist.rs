//! What is tried first. Fewer than fifty of the 20,000 commonest passwords have the 15 characters we ask for, so a list
//! of whole passwords would refuse next to nothing. What protects is refusing what people make of the short ones to get
//! there: written twice, put behind one another, with a year or `!` around. Besides: keyboard walks, counting, and what
//! is known of the account.
//!
//! A password is common if, without case, it is made of at most [`MOST_PARTS`] of the listed ones and at most
//! [`MOST_LOOSE`] other characters that are no letters, or is one such thing over and over. Two of 20,000 in a row are
//! 4 · 10⁸ guesses, a few minutes for whoever has the hash; of three unrelated ones there are 8 · 10¹², and refusing
//! those would refuse honest phrases, too.

/// Long entries of the public lists of leaked passwords, and long forms of their most frequent short ones.
const LISTED: &[&str] = &[
    "1q2w3e4r5t6y7u8i9o0p",
    "1qaz2wsx3edc4rfv",
    "1qaz2wsx3edc4rfv5tgb",
    "administrator123",
    "adminadminadmin",
    "asdfghjkl123456",
    "changemechangeme",
    "correct horse battery staple",
    "correcthorsebatterystaple",
    "defaultpassword",
    "hunter2hunter2hunter2",
    "iloveyouforever",
    "iloveyousomuch1",
    "letmeinletmein1",
    "letmeinletmeinletmein",
    "mynameispassword",
    "p@ssw0rdp@ssw0rd",
    "passw0rdpassw0rd",
    "password1234567",
    "password12345678",
    "password123456789",
    "password1password1",
    "password123password",
    "passwordpassword",
    "passwordpassword1",
    "qazwsxedcrfvtgb",
    "qazwsxedcrfvtgbyhn",
    "qwerty123456789",
    "qwerty1234567890",
    "qwertyqwertyqwerty",
    "qwertyuiop12345",
    "qwertyuiop123456",
    "qwertyuiop1234567890",
    "qwertyuiopasdfg",
    "qwertyuiopasdfgh",
    "qwertyuiopasdfghjkl",
    "qwertyuiopasdfghjklzxcvbnm",
    "rootrootrootroot",
    "serverflowserverflow",
    "superadministrator",
    "thequickbrownfox",
    "thisisapassword",
    "thisismypassword",
    "trustno1trustno1",
    "welcome123456789",
    "welcometoserverflow",
    "zxcvbnmasdfghjkl",
];
/// The commonest passwords of public leaks, in small letters, sorted by bytes, one a line. Found by halving the text as
/// it lies in the program: nothing is read, parsed or allocated for it.
static COMMON: &str = include_str!("leaked/passwords.txt");
/// Bytes of the longest listed one.
const LONGEST_LISTED: usize = 24;
/// Listed passwords that a common one is made of at the most.
const MOST_PARTS: usize = 2;
/// Other characters in it at the most, no letters: a year, `!!`, a space.
const MOST_LOOSE: usize = 4;
/// A password that is one short piece over and over is as weak as that piece.
const LONGEST_PIECE: usize = 5;
/// Shorter words known of the account are too common to mean anything.
const SHORTEST_KNOWN: usize = 4;
/// What has to be left when the known words are taken out.
const LEFT_OVER: usize = 8;

/// Whether a normalised password is among the first tried.
pub(super) fn is_common(password: &str, about: &[&str]) -> bool {
    let lower = password.to_lowercase();
    let characters: Vec<char> = lower.chars().collect();
    LISTED.contains(&lower.as_str())
        || is_made_of_listed(&lower)
        || repeats(&characters)
        || counts(&characters)
        || is_known(lower, about)
}

/// `abcabcabcabcabc`, and anything common over and over.
fn repeats(characters: &[char]) -> bool {
    (1..=characters.len() / 2)
        .filter(|piece| characters.iter().skip(*piece).eq(&characters[..characters.len() - piece]))
        .any(|piece| piece <= LONGEST_PIECE || is_made_of_listed(&characters[..piece].iter().collect::<String>()))
}

/// Whether it is at most [`MOST_PARTS`] listed passwords and [`MOST_LOOSE`] characters that are no letters.
fn is_made_of_listed(lower: &str) -> bool {
    if lower.len() > MOST_PARTS * LONGEST_LISTED + MOST_LOOSE * char::MAX.len_utf8() {
        return false;
    }
    // What was used up to each byte, in every way that is still within both limits.
    let mut reached = vec![[[false; MOST_LOOSE + 1]; MOST_PARTS + 1]; lower.len() + 1];
    reached[0][0][0] = true;
    for (at, character) in lower.char_indices() {
        let here = reached[at];
        let rest = &lower[at..];
        let loose = (!character.is_alphabetic()).then(|| at + character.len_utf8());
        let ends = rest.char_indices().map(|(start, c)| start + c.len_utf8()).take_while(|end| *end <= LONGEST_LISTED);
        let listed: Vec<usize> = ends.filter(|end| is_listed(&rest[..*end])).map(|end| at + end).collect();
        for (parts, others) in (0..=MOST_PARTS).flat_map(|parts| (0..=MOST_LOOSE).map(move |others| (parts, others))) {
            if !here[parts][others] {
                continue;
            }
            if let Some(end) = loose.filter(|_| others < MOST_LOOSE) {
                reached[end][parts][others + 1] = true;
            }
            for end in listed.iter().filter(|_| parts < MOST_PARTS) {
                reached[*end][parts + 1][others] = true;
            }
        }
    }
    reached[lower.len()].iter().flatten().any(|is_reached| *is_reached)
}

/// Whether it is one of [`COMMON`].
fn is_listed(word: &str) -> bool {
    let (mut low, mut high) = (0, COMMON.len());
    while low < high {
        let middle = low.midpoint(high);
        // A line's first byte: behind the last end of a line before the middle.
        let start = COMMON.as_bytes()[..middle].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let line = COMMON[start..].split('\n').next().unwrap_or_default();
        match line.cmp(word) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = start + line.len() + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

/// `123456789012345`, `abcdefghijklmnop`, and both backwards.
fn counts(characters: &[char]) -> bool {
    let step = |by: i32| {
        characters.windows(2).all(|two| match (two[0].to_digit(10), two[1].to_digit(10)) {
            (Some(a), Some(b)) => (a as i32 + by).rem_euclid(10) == b as i32,
            _ => two[0] as i32 + by == two[1] as i32,
        })
    };
    step(1) || step(-1)
}

fn is_known(mut lower: String, about: &[&str]) -> bool {
    let words = about.iter().flat_map(|text| {
        let text = text.to_lowercase();
        let mut words: Vec<String> = text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect();
        words.insert(0, text);
        words
    });
    let mut found = false;
    for word in words.filter(|word| word.chars().count() >= SHORTEST_KNOWN) {
        found |= lower.contains(&word);
        lower = lower.replace(&word, "");
    }
    found && lower.chars().count() < LEFT_OVER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_long_enough_and_found_from_its_first_to_its_last() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() > 19_000, "{}", lines.len());
        assert!(lines.is_sorted() && lines.iter().all(|line| !line.is_empty() && *line == line.to_lowercase()));
        assert!(lines.iter().all(|line| line.len() <= LONGEST_LISTED));
        for line in &lines {
            assert!(is_listed(line), "{line}");
        }
        for other in ["", "\n", "password\n", "123456\n1234567", "nine otters paint a fence", "\u{10ffff}", "!"] {
            assert!(!is_listed(other), "{other:?}");
        }
    }

    #[test]
    fn what_people_make_of_the_commonest_is_refused_and_phrases_are_not() {
        for (password, expected) in [
            ("liverpoolliverpool", true),
            ("Liverpool liverpool 12", true),
            ("footballsunshine", true),
            ("SunshineFootball2024", true),
            ("!!qwertyuiopdragon!!", true),
            ("monkey-monkey-monkey-monkey", true),
            ("master.master.master.", true),
            ("michelle1michelle1", true),
            ("manchesterunited", true),
            ("1qaz2wsx3edc4rfv", true),
            ("sunshinefootball_2_0_2_4", false),
            ("dragon monkey shadow master", false),
            ("footballsunshinex", false),
            ("four lanterns drift westward", false),
            ("blue harbour, seven lamps", false),
            ("onlylowercasewords", false),
            ("k3v9-qq7tz-h4m2x-bb8wd", false),
            ("4071829365518273", false),
        ] {
            assert_eq!(is_common(password, &[]), expected, "{password}");
        }
    }

    #[test]
    fn generated_passwords_are_never_common() {
        for seed in 0..500 {
            let password = crate::password::generate(&sf_runtime::Rng::seeded(seed));
            assert!(!is_common(password.expose(), &[]), "{seed}");
        }
    }
}
