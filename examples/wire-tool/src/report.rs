//! An offer as a person reads it.

use crate::{
    Verdict,
    grab::{Offer, Target},
    weak::{self, Kind},
};
use ssh_wire::NameList;
use std::io::{self, Write};

/// Prints what a server offers, weak names with a `!` behind them and the reasons below.
pub(crate) fn offer(out: &mut impl Write, target: &Target, offer: &Offer) -> io::Result<Verdict> {
    let kexinit = offer.kexinit().map_err(io::Error::other)?;
    writeln!(out, "{target}\n  {:<12} {}", "server", offer.identification)?;
    let mut found = Vec::new();
    for (title, kind, lists) in [
        ("kex", Kind::Kex, [kexinit.kex; 2]),
        ("host keys", Kind::HostKey, [kexinit.host_key; 2]),
        ("ciphers", Kind::Cipher, [kexinit.cipher_c2s, kexinit.cipher_s2c]),
        ("MACs", Kind::Mac, [kexinit.mac_c2s, kexinit.mac_s2c]),
        ("compression", Kind::Compression, [kexinit.compression_c2s, kexinit.compression_s2c]),
    ] {
        match lists {
            [to, from] if to == from => line(out, title, kind, to, &mut found)?,
            [to, from] => {
                line(out, &format!("{title} to"), kind, to, &mut found)?;
                line(out, &format!("{title} from"), kind, from, &mut found)?;
            }
        }
    }
    if let Some(reason) = weak::terrapin(&kexinit) {
        found.push(("no strict kex".to_owned(), reason));
    }
    for (name, reason) in &found {
        writeln!(out, "  {:<12} {name}: {reason}", "weak")?;
    }
    Ok(if found.is_empty() { Verdict::Sound } else { Verdict::Weak })
}

/// The names are printable: the list passes over those that are not.
fn line(
    out: &mut impl Write,
    title: &str,
    kind: Kind,
    names: NameList<'_>,
    found: &mut Vec<(String, &'static str)>,
) -> io::Result<()> {
    write!(out, "  {title:<12}")?;
    for name in names.iter() {
        let reason = weak::reason(kind, name);
        write!(out, " {name}{}", if reason.is_some() { "!" } else { "" })?;
        if let Some(reason) = reason
            && !found.iter().any(|(known, _)| known == name)
        {
            found.push((name.to_owned(), reason));
        }
    }
    writeln!(out)
}
