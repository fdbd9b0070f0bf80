//! What is tried first. With 15 characters the usual lists hold little; what is left are their doublings, keyboard
//! walks, counting, and what is known of the account.

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
        || (1..=LONGEST_PIECE).any(|piece| characters.iter().skip(piece).eq(&characters[..characters.len() - piece]))
        || counts(&characters)
        || is_known(lower, about)
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
