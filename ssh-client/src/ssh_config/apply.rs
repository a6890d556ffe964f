//! From a line to a value in [`Options`].

use super::{
    AddKeys, Forward, ForwardError, Options, Origin, Setting,
    line::Line,
    unhonoured::{self, Unhonoured, Weight},
    value::{RekeyLimit, Value},
};
use crate::pattern::PatternList;
use log::debug;

/// Takes the option of a line, unless an earlier one was there. What is wrong with it is said without its place.
pub(super) fn apply(options: &mut Options, line: &Line<'_>, origin: &Origin) -> Result<(), String> {
    let keyword = line.keyword.to_ascii_lowercase();
    let given = Given { line, origin };
    let o = options;
    match keyword.as_str() {
        "addkeystoagent" => given.with(&mut o.add_keys_to_agent, AddKeys::parse(&line.arguments)),
        "addressfamily" => given.one(&mut o.address_family),
        "batchmode" => given.one(&mut o.batch_mode),
        "casignaturealgorithms" => given.one(&mut o.ca_signature_algorithms),
        "certificatefile" => given.each(&mut o.certificate_files),
        "ciphers" => given.one(&mut o.ciphers),
        "clearallforwardings" => given.one(&mut o.clear_all_forwardings),
        "compression" => given.one(&mut o.compression),
        "connecttimeout" => given.one(&mut o.connect_timeout),
        "dynamicforward" => given.forward(&mut o.local_forwards, Forward::dynamic),
        "escapechar" => given.one(&mut o.escape_char),
        "exitonforwardfailure" => given.one(&mut o.exit_on_forward_failure),
        "forwardagent" => given.one(&mut o.forward_agent),
        "gatewayports" => given.one(&mut o.gateway_ports),
        "globalknownhostsfile" => given.files(&mut o.global_known_hosts_files),
        "hashknownhosts" => given.one(&mut o.hash_known_hosts),
        "hostkeyalgorithms" => given.one(&mut o.host_key_algorithms),
        "hostkeyalias" => given.one(&mut o.host_key_alias),
        "hostname" => given.one(&mut o.host_name),
        "identitiesonly" => given.one(&mut o.identities_only),
        "identityagent" => given.one(&mut o.identity_agent),
        "identityfile" => given.each(&mut o.identity_files),
        "ignoreunknown" => given.one(&mut o.ignore_unknown),
        "kbdinteractiveauthentication" | "challengeresponseauthentication" => {
            given.one(&mut o.kbd_interactive_authentication)
        }
        "kexalgorithms" => given.one(&mut o.kex_algorithms),
        "localforward" => given.forward(&mut o.local_forwards, Forward::local),
        "loglevel" => given.one(&mut o.log_level),
        "macs" => given.one(&mut o.macs),
        "numberofpasswordprompts" => given.one(&mut o.number_of_password_prompts),
        "passwordauthentication" => given.one(&mut o.password_authentication),
        "port" => given.one(&mut o.port),
        "preferredauthentications" => given.one(&mut o.preferred_authentications),
        // The first of the two holds, and with it its "none".
        "proxycommand" if o.proxy_jump.is_some() || given.is("none") => {
            given.with(&mut o.proxy_jump, Ok(Vec::new()))
        }
        "proxyjump" => given.with(&mut o.proxy_jump, given.jump_hosts()),
        "pubkeyacceptedalgorithms" | "pubkeyacceptedkeytypes" => given.one(&mut o.pubkey_accepted_algorithms),
        "pubkeyauthentication" => given.with(&mut o.pubkey_authentication, given.pubkey_authentication()),
        "rekeylimit" => given.with(&mut o.rekey_limit, RekeyLimit::parse(&line.arguments)),
        "remotecommand" => given.with(&mut o.remote_command, given.command()),
        "remoteforward" => given.forward(&mut o.remote_forwards, Forward::remote),
        "requesttty" => given.one(&mut o.request_tty),
        "requiredrsasize" => given.one(&mut o.required_rsa_size),
        "revokedhostkeys" => given.files(&mut o.revoked_host_keys),
        "sendenv" => given.send_env(&mut o.send_env),
        "serveralivecountmax" => given.one(&mut o.server_alive_count_max),
        "serveraliveinterval" => given.one(&mut o.server_alive_interval),
        "sessiontype" => given.one(&mut o.session_type),
        "setenv" => given.with(&mut o.set_env, given.assignments()),
        "stdinnull" => given.one(&mut o.stdin_null),
        "streamlocalbindunlink" => given.one(&mut o.stream_local_bind_unlink),
        "stricthostkeychecking" => given.one(&mut o.strict_host_key_checking),
        "user" => given.one(&mut o.user),
        "userknownhostsfile" => given.files(&mut o.user_known_hosts_files),
        "host" | "match" | "include" => Err("belongs in a file".to_owned()),
        _ => match unhonoured::find(&keyword) {
            Some(unhonoured) => given.unhonoured(unhonoured),
            None if o.ignores(&keyword) => {
                debug!("{origin}: {} is not known and ignored", line.keyword);
                Ok(())
            }
            None => Err("is not a known option".to_owned()),
        },
    }
    .map_err(|problem| format!("{} {problem}", line.keyword))
}

impl Options {
    fn ignores(&self, keyword: &str) -> bool {
        self.ignore_unknown
            .as_ref()
            .is_some_and(|list| PatternList::from_commas(list).to_lowercase().matches(keyword))
    }
}

/// The line an option was given in.
struct Given<'a> {
    line: &'a Line<'a>,
    origin: &'a Origin,
}

impl Given<'_> {
    /// Fills a slot that is still empty. The value is checked in any case.
    fn with<T>(&self, slot: &mut Option<Setting<T>>, value: Result<T, String>) -> Result<(), String> {
        let value = value?;
        if slot.is_none() {
            *slot = Some(Setting { value, origin: self.origin.clone() });
        }
        Ok(())
    }

    fn one<T: Value>(&self, slot: &mut Option<Setting<T>>) -> Result<(), String> {
        self.with(slot, self.argument().and_then(T::parse))
    }

    /// An option whose values of every place count.
    fn each(&self, values: &mut Vec<Setting<String>>) -> Result<(), String> {
        self.push(values, String::parse(self.argument()?)?)
    }

    fn push<T: PartialEq>(&self, values: &mut Vec<Setting<T>>, value: T) -> Result<(), String> {
        if values.len() >= MAX_VALUES {
            return Err(format!("is given more than {MAX_VALUES} times"));
        }
        if values.iter().all(|known| known.value != value) {
            values.push(Setting { value, origin: self.origin.clone() });
        }
        Ok(())
    }

    /// In one word, as `-L` has it, or in two: where to listen, and where to lead.
    fn forward(
        &self,
        forwards: &mut Vec<Setting<Forward>>,
        parse: impl Fn(&str) -> Result<Forward, ForwardError>,
    ) -> Result<(), String> {
        let parsed = match self.line.arguments.as_slice() {
            [listen, target] => parse(&format!("{listen}:{target}")),
            _ => parse(self.argument()?),
        };
        self.push(forwards, parsed.map_err(|error| error.to_string())?)
    }

    /// Empty for `none`.
    fn jump_hosts(&self) -> Result<Vec<String>, String> {
        if self.is("none") { Ok(Vec::new()) } else { Vec::parse(self.argument()?) }
    }

    fn files(&self, slot: &mut Option<Setting<Vec<String>>>) -> Result<(), String> {
        let files = match self.line.arguments.as_slice() {
            [] => Err("needs a file".to_owned()),
            [none] if none.eq_ignore_ascii_case("none") => Ok(Vec::new()),
            files if files.iter().any(String::is_empty) => Err("names an empty path".to_owned()),
            files if files.len() > MAX_VALUES => Err(format!("names more than {MAX_VALUES} files")),
            files => Ok(files.to_vec()),
        };
        self.with(slot, files)
    }

    /// Whether this is all of the value.
    fn is(&self, value: &str) -> bool {
        self.line.rest.eq_ignore_ascii_case(value)
    }

    fn argument(&self) -> Result<&str, String> {
        match self.line.arguments.as_slice() {
            [argument] => Ok(argument),
            [] => Err("needs a value".to_owned()),
            [_, second, ..] => Err(format!("has a second value, {second:?}")),
        }
    }

    /// Signatures name the host wherever the server understands it, which is what `host-bound` asks for.
    fn pubkey_authentication(&self) -> Result<bool, String> {
        let argument = self.argument()?;
        match argument.to_ascii_lowercase().as_str() {
            "host-bound" => Ok(true),
            "unbound" if *self.origin == Origin::CommandLine => Err("unbound is not supported".to_owned()),
            "unbound" => {
                debug!("{}: {} unbound is not honoured", self.origin, self.line.keyword);
                Ok(true)
            }
            _ => bool::parse(argument),
        }
    }

    /// The rest of the line, with its quotes: the server's shell reads them.
    fn command(&self) -> Result<Option<String>, String> {
        match self.line.rest {
            "" => Err("needs a command".to_owned()),
            none if none.eq_ignore_ascii_case("none") => Ok(None),
            command => Ok(Some(command.to_owned())),
        }
    }

    fn assignments(&self) -> Result<Vec<(String, String)>, String> {
        let assignment = |text: &String| match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(format!("has {text:?} where NAME=VALUE should be")),
        };
        if self.line.arguments.is_empty() {
            return Err("needs NAME=VALUE".to_owned());
        }
        self.line.arguments.iter().map(assignment).collect()
    }

    fn send_env(&self, patterns: &mut Vec<String>) -> Result<(), String> {
        for pattern in &self.line.arguments {
            if pattern.is_empty() || pattern.contains('=') {
                return Err(format!("has {pattern:?} where the name of a variable should be"));
            }
            if let Some(pattern) = pattern.strip_prefix('-') {
                patterns.retain(|known| !crate::pattern::matches(pattern, known));
            } else if patterns.len() >= MAX_VALUES {
                return Err(format!("names more than {MAX_VALUES} variables"));
            } else if !patterns.contains(pattern) {
                patterns.push(pattern.clone());
            }
        }
        Ok(())
    }

    fn unhonoured(&self, option: Unhonoured) -> Result<(), String> {
        if option.off.is_some_and(|off| self.is(off)) {
            return Ok(());
        }
        if option.weight == Weight::Vital || *self.origin == Origin::CommandLine {
            return Err("is not supported".to_owned());
        }
        debug!("{}: {} is not honoured", self.origin, self.line.keyword);
        Ok(())
    }
}

/// Options that add up are bounded.
const MAX_VALUES: usize = 1_000;
