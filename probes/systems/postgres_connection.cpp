#include "probes/systems/postgres_connection.hpp"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "daemon/base/text.hpp"
#include "daemon/net/socket_error.hpp"
#include "probes/systems/postgres_answers.hpp"
#include "probes/systems/postgres_parameters.hpp"
#include "probes/systems/postgres_socket.hpp"

namespace qw::probes {
namespace {

using asio::posix::stream_descriptor;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

// An answer to all statements of this probe is a few kilobytes; 64 standbys and slots need 30.
constexpr std::uint64_t kMostBytes = std::uint64_t{256} * 1024;
constexpr std::size_t kMostAddresses = 8;
// A smart shutdown waits for every session to end, and nothing tells a session of it. So ours ends by itself.
constexpr Nanoseconds kLongestKept = std::chrono::minutes(1);
// libpq reads at least so much at a time.
constexpr int kReadAtOnce = 8192;

constexpr std::string_view kAdminShutdown = "57P01";
constexpr std::string_view kCannotConnectNow = "57P03";

/// When something was there, read on the loop as soon as it was told.
struct Stamp {
  SteadyTime steady;
  WallTime wall;
};

/// libpq's socket, lent to the loop for one wait: libpq may close it and open another between two.
class Borrowed {
 public:
  Borrowed(const asio::any_io_executor& executor, int descriptor) : descriptor_(executor, descriptor) {}
  ~Borrowed() { descriptor_.release(); }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  stream_descriptor& get() { return descriptor_; }

 private:
  stream_descriptor descriptor_;
};

Task<Result<Stamp>> ready(asio::any_io_executor executor, int descriptor, stream_descriptor::wait_type what,
                          const Clock& clock) {
  Borrowed borrowed(executor, descriptor);
  const auto done = co_await borrowed.get().async_wait(what, kToken);
  const auto& [error] = done;
  if (error) co_return std::unexpected(net::socket_error(error));
  co_return Stamp{clock.steady(), clock.wall()};
}

Task<Result<Stamp>> wait(net::Net& net, const Clock& clock, int descriptor, stream_descriptor::wait_type what,
                         SteadyTime deadline, std::string_view doing) {
  if (descriptor < 0) co_return fail(ErrorKind::refused, std::string(net::kClosedByPeer));
  auto awaited = ready(net.executor(), descriptor, what, clock);
  auto done = co_await async::with_deadline(std::move(awaited), deadline);
  if (!done && done.error().kind() == ErrorKind::timeout) {
    co_return std::unexpected(net::deadline_error(doing));
  }
  co_return done;
}

}  // namespace

/// A connection of libpq, and what its server said of its own accord. A thread may hold it longer than we do.
struct PostgresConnection::Handle {
  explicit Handle(PGconn* its) : conn(its) {}
  ~Handle() { PQfinish(conn); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  static void hear(void* self, const PGresult* notice) { static_cast<Handle*>(self)->note(notice); }
  void note(const PGresult* said) {
    const auto severity = postgres_field(said, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity != "FATAL" && severity != "PANIC") return;
    // What happens when the postmaster is killed has the same SQLSTATE, but comes from elsewhere.
    told_to_end = postgres_field(said, PG_DIAG_SQLSTATE) == kAdminShutdown &&
                  postgres_field(said, PG_DIAG_SOURCE_FUNCTION) == "ProcessInterrupts";
  }

  PGconn* conn;
  PostgresPollingStatusType polled = PGRES_POLLING_WRITING;
  bool told_to_end = false;
};

PostgresConnection::PostgresConnection(net::Net& net, const Clock& clock, PostgresTurns& turns,
                                       net::HostPort to, PostgresLogin login)
    : net_(net), clock_(clock), turns_(turns), to_(std::move(to)), login_(std::move(login)) {}

PostgresConnection::~PostgresConnection() = default;
PostgresConnection::PostgresConnection(PostgresConnection&&) noexcept = default;

void PostgresConnection::close() {
  handle_.reset();
}

Task<Result<PostgresExchange>> PostgresConnection::exchange(PostgresStatements statements,
                                                            SteadyTime deadline) {
  ended_in_order_ = false;
  if (handle_ && clock_.steady() - opened_ > kLongestKept) close();
  bool told_to_end = false;
  if (handle_ && !is_usable()) {
    told_to_end = handle_->told_to_end;
    close();
  }
  const bool kept = handle_ != nullptr;
  auto done = co_await exchange_once(statements, deadline);
  if (!done && kept && done.error().kind() == ErrorKind::refused) {
    told_to_end = ended_in_order_;
    done = co_await exchange_once(statements, deadline);
  }
  ended_in_order_ = !done && (ended_in_order_ || told_to_end);
  co_return done;
}

Task<Result<PostgresExchange>> PostgresConnection::exchange_once(PostgresStatements statements,
                                                                 SteadyTime deadline) {
  ended_in_order_ = false;
  if (!handle_) {
    const auto opened = co_await open(deadline);
    if (!opened) co_return std::unexpected(opened.error());
  }
  auto list = statements(PQserverVersion(handle_->conn), deadline - clock_.steady());
  auto done = co_await talk(std::move(list), deadline);
  if (!done) {
    ended_in_order_ = handle_->told_to_end;
    close();
  }
  co_return done;
}

/// Whether the kept connection is still there; hears what the server said since.
bool PostgresConnection::is_usable() {
  const bool read = PQconsumeInput(handle_->conn) == 1;
  (void)PQisBusy(handle_->conn);  // it is this that looks at what was read
  return read && PQstatus(handle_->conn) == CONNECTION_OK;
}

Task<Result<void>> PostgresConnection::open(SteadyTime deadline) {
  auto addresses = co_await net_.resolver().resolve(to_.host, deadline);
  if (!addresses) co_return std::unexpected(addresses.error());
  if (addresses->size() > kMostAddresses) addresses->resize(kMostAddresses);
  Result<void> opened = fail(ErrorKind::unreachable, "the name has no address");
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    const SteadyTime now = clock_.steady();
    const auto share = (deadline - now) / static_cast<int>(addresses->size() - i);
    opened = co_await open_at((*addresses)[i].to_string(), now + share);
    if (opened || opened.error().kind() == ErrorKind::rejected) break;
  }
  co_return opened;
}

Task<Result<void>> PostgresConnection::open_at(std::string address, SteadyTime deadline) {
  if (!abandoned_.expired()) {
    co_return fail(ErrorKind::rejected,
                   "the server asked for more hashing than a login may take, which still goes on");
  }
  const PostgresParameters parameters(login_, to_, address);
  auto* const conn = PQconnectStartParams(parameters.keys().data(), parameters.values().data(), 0);
  if (conn == nullptr) co_return fail(ErrorKind::internal, "no memory for a connection");
  auto handle = std::make_shared<Handle>(conn);
  peer_ = address;
  PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
  PQsetNoticeReceiver(conn, &Handle::hear, handle.get());
  if (PQstatus(conn) == CONNECTION_BAD) {
    co_return std::unexpected(failure(PQerrorMessage(conn), "could not connect"));
  }
  keep_receive_buffer_small(PQsocket(conn));
  const auto shaken = co_await shake_hands(handle, deadline);
  if (!shaken) co_return shaken;
  PQsetnonblocking(conn, 1);
  handle_ = std::move(handle);
  opened_ = clock_.steady();
  co_return Result<void>();
}

Task<Result<void>> PostgresConnection::shake_hands(std::shared_ptr<Handle> handle, SteadyTime deadline) {
  while (handle->polled != PGRES_POLLING_OK) {
    const auto what = handle->polled == PGRES_POLLING_READING ? stream_descriptor::wait_read
                                                              : stream_descriptor::wait_write;
    const auto came = co_await wait(net_, clock_, PQsocket(handle->conn), what, deadline, "connecting");
    if (!came) co_return std::unexpected(came.error());
    if (bytes_received(PQsocket(handle->conn)) > kMostBytes) {
      co_return fail(ErrorKind::too_large, fmt::format("greeting of more than {} bytes", kMostBytes));
    }
    // libpq and OpenSSL look at nothing but what is there, but hashing a password takes milliseconds, and as
    // long as the server likes.
    auto turn = turns_.run([handle] { handle->polled = PQconnectPoll(handle->conn); });
    abandoned_ = handle;
    const auto polled = co_await async::with_deadline(std::move(turn), deadline);
    // The thread may still be at it: what belongs to libpq is not to be touched then.
    if (!polled && polled.error().kind() == ErrorKind::timeout) {
      co_return std::unexpected(net::deadline_error("connecting"));
    }
    if (!polled) co_return std::unexpected(polled.error());
    abandoned_.reset();
    if (handle->polled == PGRES_POLLING_FAILED) {
      co_return std::unexpected(failure(PQerrorMessage(handle->conn), "could not connect"));
    }
  }
  co_return Result<void>();
}

/// What kept us from connecting.
Error PostgresConnection::failure(std::string_view said, std::string_view otherwise) {
  if (trim(said).empty()) return {ErrorKind::protocol, std::string(otherwise)};
  Error error = postgres_error(said, login_.password);
  if (error.message().contains(kCannotConnectNow) && error.message().contains("shutting down")) {
    ended_in_order_ = true;
  }
  if (error.message().contains("28P01") && login_.password.empty()) {
    return {ErrorKind::rejected, "the server asks for a password, and 'password_file' is not set"};
  }
  return error;
}

Task<Result<PostgresExchange>> PostgresConnection::talk(std::vector<std::string> statements,
                                                        SteadyTime deadline) {
  auto* const conn = handle_->conn;
  bool queued = PQenterPipelineMode(conn) == 1 && PQpipelineSync(conn) == 1;
  PostgresExchange exchange{.sent = clock_.steady(), .sent_wall = clock_.wall(), .pinged = {}, .answers = {}};
  for (const std::string& statement : statements) {
    queued = queued &&
             PQsendQueryParams(conn, statement.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) == 1 &&
             PQpipelineSync(conn) == 1;
  }
  if (!queued) co_return std::unexpected(failure(PQerrorMessage(conn), "could not ask"));
  const auto flushed = co_await flush(deadline);
  if (!flushed) co_return std::unexpected(flushed.error());
  const auto read = co_await read_answers(statements.size(), exchange, deadline);
  if (!read) co_return std::unexpected(read.error());
  if (PQexitPipelineMode(conn) != 1) co_return fail(ErrorKind::protocol, "more answers than questions");
  co_return exchange;
}

Task<Result<void>> PostgresConnection::flush(SteadyTime deadline) {
  auto* const conn = handle_->conn;
  int left = PQflush(conn);
  while (left == 1) {
    const auto came =
        co_await wait(net_, clock_, PQsocket(conn), stream_descriptor::wait_write, deadline, "asking");
    if (!came) co_return std::unexpected(came.error());
    left = PQflush(conn);
  }
  if (left < 0) co_return std::unexpected(failure(PQerrorMessage(conn), "could not ask"));
  co_return Result<void>();
}

Result<void> PostgresConnection::consume() {
  // What OpenSSL has read of a record and libpq has not, no socket tells of: so all that can be there is
  // read.
  const int times = PQsslInUse(handle_->conn) == 1 ? static_cast<int>(kMostBytes) / kReadAtOnce : 1;
  for (int i = 0; i < times; ++i) {
    if (PQconsumeInput(handle_->conn) != 1) {
      return std::unexpected(failure(PQerrorMessage(handle_->conn), net::kClosedByPeer));
    }
  }
  return {};
}

Task<Result<void>> PostgresConnection::read_answers(std::size_t wanted, PostgresExchange& into,
                                                    SteadyTime deadline) {
  auto* const conn = handle_->conn;
  const int descriptor = PQsocket(conn);
  const auto before = bytes_received(descriptor);
  PostgresCollector collector(into, wanted, login_.password);
  bool at_end = false;  // of what belongs to one statement
  while (true) {
    const auto now =
        co_await wait(net_, clock_, descriptor, stream_descriptor::wait_read, deadline, "reading the answer");
    if (!now) co_return std::unexpected(now.error());
    if (bytes_received(descriptor) - before > kMostBytes) {
      co_return fail(ErrorKind::too_large, fmt::format("answer of more than {} bytes", kMostBytes));
    }
    collector.note_time(now->steady, now->wall);
    const auto consumed = consume();
    while (!collector.complete() && PQisBusy(conn) == 0) {
      const PostgresResult result(PQgetResult(conn));
      if (!result && at_end) co_return fail(ErrorKind::protocol, "the answers end too early");
      at_end = !result;
      if (!result) continue;
      handle_->note(result.get());
      const auto taken = collector.take(result.get(), PQstatus(conn) == CONNECTION_BAD);
      if (!taken) co_return taken;
    }
    if (collector.complete()) co_return Result<void>();
    if (!consumed) co_return consumed;
  }
}

Task<Result<PostgresTable>> PostgresConnection::command(std::string text, SteadyTime deadline) {
  const auto opened = co_await open(deadline);
  if (!opened) co_return std::unexpected(opened.error());
  auto* const conn = handle_->conn;
  const auto before = bytes_received(PQsocket(conn));
  if (PQsendQuery(conn, text.c_str()) != 1 || PQflush(conn) != 0) {
    co_return std::unexpected(failure(PQerrorMessage(conn), "could not ask"));
  }
  while (PQisBusy(conn) == 1) {
    const auto now = co_await wait(net_, clock_, PQsocket(conn), stream_descriptor::wait_read, deadline,
                                   "reading the answer");
    if (!now) co_return std::unexpected(now.error());
    if (bytes_received(PQsocket(conn)) - before > kMostBytes) {
      co_return fail(ErrorKind::too_large, fmt::format("answer of more than {} bytes", kMostBytes));
    }
    const auto consumed = consume();
    if (!consumed && PQisBusy(conn) == 1) co_return std::unexpected(consumed.error());
  }
  const PostgresResult result(PQgetResult(conn));
  if (result && PQresultStatus(result.get()) == PGRES_TUPLES_OK) co_return read_postgres_table(result.get());
  co_return std::unexpected(failure(PQerrorMessage(conn), "no rows"));
}

}  // namespace qw::probes
