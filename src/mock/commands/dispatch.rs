//! From a verb to its handler.

use super::{access, file, info, list, parameter, protection, transfer};
use crate::mock::session::{Session, Step};
use crate::wire::command::{Command, Verb};

/// Obeys a command that may be obeyed in this state.
pub(in crate::mock) async fn obey(session: &mut Session, command: &Command) -> Step {
    match &command.verb {
        Verb::User => access::user(session, command).await,
        Verb::Pass => access::pass(session, command).await,
        Verb::Acct => access::acct(session, command).await,
        Verb::Rein => access::rein(session, command).await,
        Verb::Quit => access::quit(session, command).await,
        Verb::Host => access::host(session, command).await,
        Verb::Auth => protection::auth(session, command).await,
        Verb::Adat => protection::adat(session).await,
        Verb::Pbsz => protection::pbsz(session, command).await,
        Verb::Prot => protection::prot(session, command).await,
        Verb::Ccc => protection::ccc(session, command).await,
        Verb::Port => parameter::port(session, command).await,
        Verb::Eprt => parameter::eprt(session, command).await,
        Verb::Pasv => parameter::pasv(session, command).await,
        Verb::Epsv => parameter::epsv(session, command).await,
        Verb::Type => parameter::transfer_type(session, command).await,
        Verb::Stru => parameter::structure(session, command).await,
        Verb::Mode => parameter::mode(session, command).await,
        Verb::Allo => parameter::allo(session, command).await,
        Verb::Rest => parameter::rest(session, command).await,
        Verb::Retr => transfer::retr(session, command).await,
        Verb::Stor | Verb::Appe => transfer::stor(session, command).await,
        Verb::Stou => transfer::stou(session, command).await,
        Verb::List | Verb::Nlst => list::list(session, command).await,
        Verb::Mlsd => list::mlsd(session, command).await,
        Verb::Abor => transfer::abor(session).await,
        Verb::Cwd | Verb::Xcwd => file::cwd(session, command).await,
        Verb::Cdup | Verb::Xcup => file::cdup(session, command).await,
        Verb::Pwd | Verb::Xpwd => file::pwd(session, command).await,
        Verb::Mkd | Verb::Xmkd => file::mkd(session, command).await,
        Verb::Rmd | Verb::Xrmd => file::rmd(session, command).await,
        Verb::Dele => file::dele(session, command).await,
        Verb::Rnfr => file::rnfr(session, command).await,
        Verb::Rnto => file::rnto(session, command).await,
        Verb::Size => file::size(session, command).await,
        Verb::Mdtm => file::mdtm(session, command).await,
        Verb::Mlst => file::mlst(session, command).await,
        Verb::Stat => info::stat(session, command, None).await,
        Verb::Feat => info::feat(session, command).await,
        Verb::Opts => info::opts(session, command).await,
        Verb::Lang => info::lang(session, command).await,
        Verb::Help => info::help(session, command).await,
        Verb::Noop => session.reply(200, "Nothing done.").await,
        Verb::Syst => info::syst(session, command).await,
        Verb::Site => info::site(session, command).await,
        // The table takes none of these; the reply is the one for a verb without implementation.
        Verb::Clnt
        | Verb::Conf
        | Verb::Enc
        | Verb::Lprt
        | Verb::Lpsv
        | Verb::Mfmt
        | Verb::Mic
        | Verb::Smnt
        | Verb::Other(_) => session.reply(502, "Command not implemented.").await,
    }
}
