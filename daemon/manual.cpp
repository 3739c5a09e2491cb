#include "daemon/manual.hpp"

#include <fmt/format.h>

#include "daemon/base/version.hpp"
#include "daemon/flags.hpp"

namespace qw {
namespace {

constexpr std::string_view kHead = R"(.SH NAME
quorumwatch \- watches leader elections, split brain, replication lag and clocks
.SH SYNOPSIS
.B quorumwatch
.I COMMAND
.RI [ FLAGS ]
.SH DESCRIPTION
.B quorumwatch
asks every member of a quorum system itself who leads, how far it is behind and what its clock says, and keeps what they
answer apart. It serves metrics, a page and an API on one port, evaluates alert rules without a Prometheus, and tells
Alertmanagers itself. Without a configuration it watches its own host.
.PP
Every key of the configuration is printed by
.BR "quorumwatch reference" ,
every metric by
.BR "quorumwatch metrics" ,
and what each kind of target asks and needs by
.BR "quorumwatch probes" .
)";

constexpr std::string_view kTail = R"(.SH EXIT STATUS
.TP
.B 0
Good.
.TP
.B 1
A bug or a lost resource; of
.BR once ,
a target that could not be asked.
.TP
.B 2
Bad usage or configuration.
.SH SIGNALS
.TP
.B SIGHUP
Reads the configuration again. All of it is taken, or nothing: then the log and the line in
.B systemctl status
say why, and the old one stays.
.TP
.BR SIGTERM ", " SIGINT
Ends within 5 seconds; the state of alerts is kept for the next start.
.SH ENVIRONMENT
.TP
.B STATE_DIRECTORY
Where the state of alerts and the journal are kept, unless
.B \-\-storage.path
says so.
.TP
.B CREDENTIALS_DIRECTORY
Where
.BI credential: NAME
in the configuration looks for a secret.
.TP
.BR NOTIFY_SOCKET ", " WATCHDOG_USEC ", " WATCHDOG_PID
The protocol of
.BR sd_notify (3).
.TP
.B NO_COLOR
Not empty: no colours.
.SH FILES
As the Debian package has them:
.TP
.I /etc/quorumwatch/quorumwatch.yml
The configuration.
.TP
.I /etc/default/quorumwatch
Flags of the service.
.TP
.I /usr/share/quorumwatch
Alert rules and dashboards.
.TP
.I /usr/share/doc/quorumwatch
Runbooks, and examples of configuration and drop-ins.
.TP
.I /var/lib/quorumwatch
The state of alerts and the journal.
.SH SEE ALSO
.BR systemd (1),
.BR systemd.exec (5),
.BR promtool (1)
)";

/// Text in which a dash is a dash, and no line is a request of roff.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '-')
      out += "\\-";
    else if ((c == '.' || c == '\'') && out.empty())
      (out += "\\&") += c;
    else
      out += c;
  }
  return out;
}

std::string commas(const std::vector<std::string_view>& words) {
  std::string out;
  for (const auto word : words) out += fmt::format("{}\\fB{}\\fR", out.empty() ? "" : ", ", roff(word));
  return out;
}

}  // namespace

std::string print_manual() {
  auto out = fmt::format(".TH QUORUMWATCH 1 \"\" \"quorumwatch {}\" \"User Commands\"\n{}", version(), kHead);
  out += ".SH COMMANDS\n";
  for (const auto& command : command_helps()) {
    out += fmt::format(".TP\n\\fB{}\\fI{}\\fR\n{}.\n", roff(command.word), roff(command.argument),
                       roff(command.doc));
  }
  out += ".SH OPTIONS\nA value follows after '=' or as the next word.\n";
  for (const auto& flag : flag_helps()) {
    out += fmt::format(".TP\n\\fB\\-\\-{}\\fR=\\fI{}\\fR\n{}. Of {}.\n", roff(flag.name), roff(flag.value),
                       roff(flag.doc), commas(flag.of));
  }
  out += ".TP\n\\fB\\-\\-version\\fR\nPrint the version.\n.TP\n\\fB\\-\\-help\\fR\nPrint a summary.\n";
  return out += kTail;
}

}  // namespace qw
