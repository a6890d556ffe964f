//! What threads may do with the public types. It compiles, or it does not.

use ssh_client::{
    Config, Credential, Error,
    blocking::{Channel, Command, Forward, Login, Session, Stderr, Unverified},
};

fn is_shared<T: Send + Sync>() {}
fn is_a_handle<T: Send + Sync + Clone + 'static>() {}

#[test]
fn threads_share_sessions_and_channels() {
    is_a_handle::<Session>();
    is_a_handle::<Channel>();
    is_a_handle::<Stderr>();
    is_a_handle::<Command>();
    is_a_handle::<Config>();
    is_a_handle::<Credential>();
    is_a_handle::<Error>();
    is_shared::<Forward>();
    is_shared::<Unverified>();
    is_shared::<Login>();
}

/// And what tasks may.
#[cfg(feature = "tokio")]
mod tasks {
    use super::{is_a_handle, is_shared};
    use ssh_client::{
        Config,
        session::tokio::{Connection, Driver},
        tokio::{
            Agent, Channel, Child, ChildStdin, Command, Forward, Login, ReadHalf, Session, Unverified,
            WriteHalf,
        },
    };
    use tokio::{
        io::{AsyncRead, AsyncWrite},
        net::TcpStream,
    };

    fn is_moved<T: Send + Unpin>() {}
    fn is_sent<T: Send>(_: T) {}
    fn is_read<T: AsyncRead + Unpin>() {}
    fn is_written<T: AsyncWrite + Unpin>() {}

    #[test]
    fn tasks_share_sessions_and_channels() {
        is_a_handle::<Agent>();
        is_a_handle::<Connection>();
        is_a_handle::<Session>();
        is_a_handle::<Channel>();
        is_a_handle::<ReadHalf>();
        is_a_handle::<WriteHalf>();
        is_a_handle::<Command>();
        is_shared::<Child>();
        is_shared::<ChildStdin>();
        is_shared::<Forward>();
        is_shared::<Unverified>();
        is_shared::<Login>();
        is_moved::<Driver<TcpStream>>();
        is_read::<Channel>();
        is_read::<ReadHalf>();
        is_written::<Channel>();
        is_written::<WriteHalf>();
        is_written::<ChildStdin>();
    }

    /// Futures go to where a runtime runs them. This is compiled only.
    #[expect(dead_code, reason = "it compiles, or it does not")]
    fn futures_are_sent(
        session: &Session,
        channel: &Channel,
        child: Child,
        mut other: Child,
        unverified: Unverified,
        mut login: Login,
        agent: &Agent,
    ) {
        is_sent(Session::connect(("example.com", 22), &Config::new("alice")));
        is_sent(login.authenticate_with(&[]));
        is_sent(login.authenticate());
        is_sent(unverified.verify());
        is_sent(agent.list());
        is_sent(agent.sign(&[], "", &[]));
        is_sent(session.open_session());
        is_sent(session.direct_tcpip("", 0, ("", 0)));
        is_sent(session.forward("", 0));
        is_sent(session.global_request("", true, &[]));
        is_sent(session.close());
        is_sent(session.wait());
        is_sent(session.command("").output());
        is_sent(session.command("").spawn());
        is_sent(channel.exec(""));
        is_sent(channel.request("", &[0_u8; 4]));
        is_sent(channel.request_all(&[]));
        is_sent(channel.recv());
        is_sent(channel.recv_any());
        is_sent(channel.wait());
        is_sent(other.wait());
        is_sent(child.wait_with_output());
    }
}
