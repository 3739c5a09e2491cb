#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/secret.hpp"
#include "daemon/net/stream.hpp"
#include "probes/systems/postgres_turns.hpp"

namespace qw::probes {

/// How to log in, and what to ask of TLS; words and files as libpq has them.
struct PostgresLogin {
  std::string username;
  Secret password;
  std::string database;
  std::string sslmode;
  std::string ca_file, cert_file, key_file;
  std::string server_name;   ///< expected in the certificate; empty: the member's host
  bool replication = false;  ///< a connection for replication commands (TIMELINE_HISTORY)
};

/// The rows of one statement, as text; nothing stands for null.
using PostgresRow = std::vector<std::optional<std::string>>;
using PostgresTable = std::vector<PostgresRow>;

/// What one statement of an exchange came to, and when it was here.
struct PostgresAnswer {
  Result<PostgresTable> table;
  SteadyTime received;
  WallTime received_wall;
};

/// Statements that went out together, and their answers in the same order. One that is refused spoils no
/// other.
struct PostgresExchange {
  SteadyTime sent;
  WallTime sent_wall;
  SteadyTime pinged;  ///< when the server had answered before it did any work
  std::vector<PostgresAnswer> answers;
};

/// The statements for a server of this version (150004), which is known only once it is connected.
using PostgresStatements = std::function<std::vector<std::string>(int server_version, Nanoseconds time_left)>;

/// One kept connection to a PostgreSQL server, by libpq, which never waits: an address goes in, the loop
/// watches its socket, and shaking hands (a few milliseconds of hashing) is done by a thread. No variable of
/// the environment and no file but those of the login has any say.
class PostgresConnection {
 public:
  PostgresConnection(net::Net& net, const Clock& clock, PostgresTurns& turns, net::HostPort to,
                     PostgresLogin login);
  ~PostgresConnection();
  PostgresConnection(PostgresConnection&&) noexcept;

  /// Asks all of it in one go. A kept connection that the server has closed meanwhile is replaced once.
  /// Errors name no secret.
  Task<Result<PostgresExchange>> exchange(PostgresStatements statements, SteadyTime deadline);
  /// One command, by the simple protocol, as replication connections want it. To be
  /// closed afterwards.
  Task<Result<PostgresTable>> command(std::string text, SteadyTime deadline);
  void close();

  /// The address of the last connection, without the port; empty before the first.
  const std::string& peer() const { return peer_; }
  /// After an exchange that failed: the server said that it was told to end (a shutdown, no crash).
  bool ended_in_order() const { return ended_in_order_; }

 private:
  struct Handle;
  Task<Result<void>> open(SteadyTime deadline);
  Task<Result<void>> open_at(std::string address, SteadyTime deadline);
  Task<Result<void>> shake_hands(std::shared_ptr<Handle> handle, SteadyTime deadline);
  Task<Result<PostgresExchange>> exchange_once(PostgresStatements statements, SteadyTime deadline);
  Task<Result<PostgresExchange>> talk(std::vector<std::string> statements, SteadyTime deadline);
  Task<Result<void>> read_answers(std::size_t wanted, PostgresExchange& into, SteadyTime deadline);
  Task<Result<void>> flush(SteadyTime deadline);
  Result<void> consume();
  bool is_usable();
  Error failure(std::string_view said, std::string_view otherwise);

  net::Net& net_;
  const Clock& clock_;
  PostgresTurns& turns_;
  net::HostPort to_;
  PostgresLogin login_;
  std::shared_ptr<Handle> handle_;
  std::weak_ptr<Handle> abandoned_;  ///< in a handshake that a thread has not done with
  SteadyTime opened_;
  std::string peer_;
  bool ended_in_order_ = false;
};

/// What libpq says when it could not connect, in our words: kind by SQLSTATE or by the system's error, one
/// line, and no part of it is `secret`.
Error postgres_error(std::string_view said, const Secret& secret);

/// Takes from the environment what libpq would read there and what no parameter overrides (PGSERVICE and the
/// like). Only while nothing else runs.
void forget_postgres_environment();

}  // namespace qw::probes
