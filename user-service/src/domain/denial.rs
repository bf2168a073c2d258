//! Why an act on an account is denied, in one place and in the words of the wire.

use std::time::Duration;

use super::limits::CODE_TRIES_FREE;
use super::two_factor::CodeRefusal;
use super::window::TooMany;

/// A denial. Each has its own code, which clients match on and which never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Denial {
    /// Somebody has the name, or one that looks like it.
    #[error("This username is taken, or looks like one that is.")]
    UsernameTaken,
    /// The caller's name changed a short time ago.
    #[error("The username was changed within the last 30 days; it can be changed again after that.")]
    RenamedRecently,
    /// Somebody has the address.
    #[error("There is an account with this e-mail address.")]
    EmailTaken,
    /// The login, the password or both are wrong: which of them is not told.
    #[error("The login or the password is wrong.")]
    InvalidCredentials,
    /// The password that a signed-in person was asked for again is wrong.
    #[error("The password is wrong.")]
    WrongPassword,
    /// The password is right, and the account has a second factor.
    #[error("This account has two factors: send the code of the authenticator app, or a recovery code.")]
    TwoFactorRequired,
    /// The code of a login is wrong or was used.
    #[error("The code is wrong or was used.")]
    InvalidCode,
    /// A signed-in person is asked for their second factor.
    #[error("This account has two factors: send the code of the authenticator app, or a recovery code.")]
    CodeRequired,
    /// The code that a signed-in person was asked for is wrong or was used.
    #[error("The code is wrong or was used.")]
    WrongCode,
    /// Too many codes of this account were wrong.
    #[error("Too many wrong codes; wait before the next try.")]
    TooManyCodes(TooMany),
    /// There is a second factor already.
    #[error("This account has two factors; end that first.")]
    TwoFactorEnabled,
    /// There is none to confirm.
    #[error("There is nothing to confirm, or it took too long: begin again.")]
    TwoFactorNotPending,
    /// There is none.
    #[error("This account does not have two factors.")]
    TwoFactorNotEnabled,
    /// The session has not proved its person lately.
    #[error("This needs the password again: prove it with POST /v1/me/step-up, then repeat the request.")]
    StepUpRequired,
    /// The refresh token is forged, used, ended or expired: which of them is not told.
    #[error("The refresh token is not valid; sign in again.")]
    InvalidRefreshToken,
    /// A token from a mail is forged, used, replaced or expired: which of them is not told.
    #[error("The token is not valid; ask for a new mail.")]
    InvalidToken,
    /// The caller's address got as many mails as it may for now.
    #[error("Too many mails went to your address; wait a little.")]
    TooManyMails(TooMany),
    /// As many of these wait as may.
    #[error("Too much is waiting; try again shortly.")]
    Overloaded,
    /// What it needs is away.
    #[error("Not available right now; try again shortly.")]
    Unavailable,
    /// The caller has no such session.
    #[error("There is no such session.")]
    SessionNotFound,
    /// Nobody is there whom others may see.
    #[error("There is no such user.")]
    UserNotFound,
    /// The caller's own account is gone.
    #[error("The account of this access token is not active.")]
    AccountGone,
    /// The caller's role does not go so far.
    #[error("This is for moderators or admins; who acts on those is an admin.")]
    Forbidden,
    /// Nobody takes a right from themselves.
    #[error("Nobody suspends or demotes themselves; another admin can.")]
    NotOnYourself,
    /// Without this one nobody could give roles.
    #[error("This is the last active admin; make another one first.")]
    LastAdmin,
    /// The caller gave another request the same name.
    #[error("This Idempotency-Key was sent with another body; a new request needs a new key.")]
    IdempotencyKeyReused,
    /// The record has changed since the caller read it.
    #[error("The profile has changed since it was read; read it again.")]
    PreconditionFailed,
}

impl Denial {
    /// The code on the wire.
    pub const fn code(self) -> &'static str {
        match self {
            Self::UsernameTaken => "username_taken",
            Self::RenamedRecently => "renamed_recently",
            Self::EmailTaken => "email_taken",
            Self::InvalidCredentials => "invalid_credentials",
            Self::WrongPassword => "wrong_password",
            Self::TwoFactorRequired | Self::CodeRequired => "two_factor_required",
            Self::InvalidCode => "invalid_code",
            Self::WrongCode => "wrong_code",
            Self::TooManyCodes(_) => "rate_limited",
            Self::TwoFactorEnabled => "two_factor_enabled",
            Self::TwoFactorNotPending => "two_factor_not_pending",
            Self::TwoFactorNotEnabled => "two_factor_not_enabled",
            Self::StepUpRequired => "step_up_required",
            Self::InvalidRefreshToken => "invalid_refresh_token",
            Self::InvalidToken => "invalid_token",
            Self::TooManyMails(_) => "rate_limited",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::SessionNotFound => "session_not_found",
            Self::UserNotFound => "user_not_found",
            Self::AccountGone => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotOnYourself => "not_on_yourself",
            Self::LastAdmin => "last_admin",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::PreconditionFailed => "precondition_failed",
        }
    }

    /// Why a login fails whose password is right.
    pub fn of_code_at_login(refusal: CodeRefusal) -> Self {
        match refusal {
            CodeRefusal::Missing => Self::TwoFactorRequired,
            CodeRefusal::Wrong => Self::InvalidCode,
            CodeRefusal::TooMany(wait) => Self::too_many_codes(wait),
        }
    }

    /// Why somebody who is signed in has not proved who they are.
    pub fn of_code_in_session(refusal: CodeRefusal) -> Self {
        match refusal {
            CodeRefusal::Missing => Self::CodeRequired,
            CodeRefusal::Wrong => Self::WrongCode,
            CodeRefusal::TooMany(wait) => Self::too_many_codes(wait),
        }
    }

    fn too_many_codes(wait: Duration) -> Self {
        Self::TooManyCodes(TooMany { max: CODE_TRIES_FREE, wait })
    }
}
