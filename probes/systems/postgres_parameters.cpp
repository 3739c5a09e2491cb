#include "probes/systems/postgres_parameters.hpp"

#include <array>
#include <cstdlib>

namespace qw::probes {
namespace {

// A file that can not be there: libpq then takes no other either.
constexpr std::string_view kNoFile = "/dev/null/none";

constexpr std::array kEnvironment{"PGSERVICE",
                                  "PGSERVICEFILE",
                                  "PGHOST",
                                  "PGREQUIREPEER",
                                  "PGLOADBALANCEHOSTS",
                                  "PGREQUIREAUTH",
                                  "PGSSLCERTMODE",
                                  "PGGSSDELEGATION",
                                  "PGSSLNEGOTIATION",
                                  "PGSSLCRLDIR",
                                  "PGSSLMAXPROTOCOLVERSION",
                                  "PGMINPROTOCOLVERSION",
                                  "PGMAXPROTOCOLVERSION",
                                  "PGKRBSRVNAME",
                                  "PGGSSLIB",
                                  "PGDATESTYLE",
                                  "PGTZ",
                                  "PGGEQO"};

std::string file(const std::string& path) {
  return path.empty() ? std::string(kNoFile) : path;
}

}  // namespace

std::span<const char* const> postgres_environment() {
  return kEnvironment;
}

void forget_postgres_environment() {
  for (const char* name : kEnvironment) ::unsetenv(name);
}

PostgresParameters::PostgresParameters(const PostgresLogin& login, const net::HostPort& to,
                                       const std::string& address)
    : parameters_{{"hostaddr", address},
                  {"port", std::to_string(to.port)},
                  {"user", login.username},
                  // Without one, libpq would look for another: the server is to refuse this one instead.
                  {"password", login.password.empty() ? "not set" : std::string(login.password.reveal())},
                  {"dbname", login.database},
                  {"options", "-c search_path=pg_catalog -c statement_timeout=10s"},
                  {"application_name", "quorumwatch"},
                  {"client_encoding", "UTF8"},
                  {"connect_timeout", "60"},  // looked at only by those who wait
                  {"passfile", std::string(kNoFile)},
                  {"sslmode", login.sslmode},
                  {"sslrootcert", file(login.ca_file)},
                  {"sslcert", file(login.cert_file)},
                  {"sslkey", file(login.key_file)},
                  {"sslcrl", std::string(kNoFile)},
                  {"sslcompression", "0"},
                  {"sslsni", "1"},
                  {"ssl_min_protocol_version", "TLSv1.2"},
                  {"gssencmode", "disable"},
                  {"channel_binding", "prefer"},
                  {"target_session_attrs", "any"}} {
  // A name is only for the certificate: with one, a server could also have us ask for Kerberos tickets, which
  // waits for others.
  if (login.sslmode == "verify-full") {
    parameters_.push_back({"host", login.server_name.empty() ? to.host : login.server_name});
  }
  if (login.replication) parameters_.push_back({"replication", "true"});
}

std::vector<const char*> PostgresParameters::keys() const {
  std::vector<const char*> found;
  for (const auto& parameter : parameters_) found.push_back(parameter.key);
  found.push_back(nullptr);
  return found;
}

std::vector<const char*> PostgresParameters::values() const {
  std::vector<const char*> found;
  for (const auto& parameter : parameters_) found.push_back(parameter.value.c_str());
  found.push_back(nullptr);
  return found;
}

std::string_view PostgresParameters::get(std::string_view key) const {
  for (const auto& parameter : parameters_) {
    if (parameter.key == key) return parameter.value;
  }
  return {};
}

}  // namespace qw::probes
