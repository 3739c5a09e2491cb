#include "tests/unit/systems/scripted_kafka.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

namespace qw::testing {
namespace {

using asio::ip::tcp;
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);
constexpr std::array kAll{Api::fetch,
                          Api::list_offsets,
                          Api::metadata,
                          Api::offset_fetch,
                          Api::find_coordinator,
                          Api::describe_groups,
                          Api::list_groups,
                          Api::sasl_handshake,
                          Api::api_versions,
                          Api::describe_configs,
                          Api::sasl_authenticate,
                          Api::describe_quorum,
                          Api::describe_cluster,
                          Api::consumer_group_describe};

std::int32_t big_endian(const char* bytes) {
  kafka::Reader in(std::string_view(bytes, 4), false);
  return in.int32();
}

}  // namespace

struct ScriptedKafka::Connection {
  explicit Connection(tcp::socket its_socket) : socket(std::move(its_socket)) {}
  tcp::socket socket;
  bool logged_in = false;
};

ScriptedKafka::ScriptedKafka(asio::io_context& io, ScriptedCluster& cluster, std::int32_t id)
    : acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      cluster_(cluster),
      id_(id),
      tasks_(io.get_executor(), [](std::string_view, const std::string& what) {
        ADD_FAILURE() << "scripted broker: " << what;
      }) {
  tasks_.spawn("accept", accept());
}

ScriptedKafka::~ScriptedKafka() = default;

std::uint16_t ScriptedKafka::port() const {
  return acceptor_.local_endpoint().port();
}

std::string ScriptedKafka::address() const {
  return fmt::format("127.0.0.1:{}", port());
}

std::size_t ScriptedKafka::count(Api api) const {
  const auto found = counts_.find(api);
  return found == counts_.end() ? 0 : found->second;
}

int ScriptedKafka::version_asked(Api api) const {
  const auto found = last_version_.find(api);
  return found == last_version_.end() ? -1 : found->second;
}

Task<void> ScriptedKafka::stop() {
  hang_up();
  tasks_.cancel();
  co_await tasks_.join();
}

void ScriptedKafka::hang_up() {
  for (const auto& open : open_) {
    if (const auto connection = open.lock()) connection->socket.close();
  }
  open_.clear();
}

std::int16_t ScriptedKafka::error_of(Api api) const {
  const auto found = error.find(api);
  return found == error.end() ? std::int16_t{0} : found->second;
}

kafka::VersionRange ScriptedKafka::versions_of(Api api) const {
  const auto found = versions.find(api);
  return found == versions.end() ? kafka::support_of(api).versions : found->second;
}

Task<void> ScriptedKafka::accept() {
  for (;;) {
    auto accepted = co_await acceptor_.async_accept(kQuiet);
    auto& [failed, socket] = accepted;
    if (failed) co_return;
    ++connections_;
    socket.set_option(tcp::no_delay(true));
    auto connection = std::make_shared<Connection>(std::move(socket));
    open_.push_back(connection);
    tasks_.spawn("serve", serve(std::move(connection)));
  }
}

Task<void> ScriptedKafka::serve(std::shared_ptr<Connection> connection) {
  auto& socket = connection->socket;
  for (;;) {
    std::array<char, 4> size{};
    auto size_read = co_await asio::async_read(socket, asio::buffer(size), kQuiet);
    if (std::get<0>(size_read)) co_return;
    std::string frame(static_cast<std::size_t>(big_endian(size.data())), '\0');
    auto frame_read = co_await asio::async_read(socket, asio::buffer(frame), kQuiet);
    if (std::get<0>(frame_read)) co_return;
    kafka::Reader head(frame, false);
    const auto api = static_cast<Api>(head.int16());
    const std::int16_t version = head.int16();
    const std::int32_t correlation = head.int32();
    head.text();
    const bool flexible = kafka::is_flexible(api, version);
    kafka::Reader in(head.rest(), flexible);
    in.skip_tags();
    ++counts_[api];
    last_version_[api] = version;

    kafka::Writer out(flexible);
    out.int32(0);
    out.int32(correlation);
    if (api != Api::api_versions) out.no_tags();
    const bool answered = write_answer(*connection, api, version, in, out);
    if (!answered || drops.contains(api)) {
      socket.close();
      co_return;
    }
    const auto pause = silent.contains(api) ? Nanoseconds(std::chrono::hours(1)) : slow[api];
    if (pause > Nanoseconds{}) {
      auto slept = co_await async::sleep_until(SteadyTime(std::chrono::steady_clock::now()) + pause);
      if (!slept || !socket.is_open()) co_return;
    }
    const std::size_t whole = out.size();
    out.patch_int32(0, huge.contains(api) ? 2'000'000'000 : static_cast<std::int32_t>(whole - 4));
    std::string bytes = std::move(out).take();
    if (halves.contains(api)) bytes.resize(whole / 2);
    auto written = co_await asio::async_write(socket, asio::buffer(bytes), kQuiet);
    if (std::get<0>(written)) co_return;
  }
}

/// False: it closes, as a broker does to who sends what he may not.
bool ScriptedKafka::write_answer(Connection& connection, Api api, std::int16_t version, kafka::Reader& in,
                                 kafka::Writer& out) {
  const bool open_to_all =
      api == Api::api_versions || api == Api::sasl_handshake || api == Api::sasl_authenticate;
  if (!mechanism.empty() && !connection.logged_in && !open_to_all) return false;
  switch (api) {
    case Api::api_versions:
      write_versions(version, out);
      return true;
    case Api::metadata: {
      // Null is every topic; an empty list is none.
      const auto rest = in.rest();
      const bool none =
          kafka::is_flexible(api, version) ? rest.starts_with('\1') : rest.starts_with(std::string(4, '\0'));
      write_metadata(version, !none, out);
      return true;
    }
    case Api::list_groups:
      write_list(version, out);
      return true;
    case Api::find_coordinator:
      write_coordinators(version, in, out);
      return true;
    case Api::describe_groups:
      write_classic(version, in, out);
      return true;
    case Api::consumer_group_describe:
      write_modern(version, in, out);
      return true;
    case Api::offset_fetch:
      write_commits(version, in, out);
      return true;
    case Api::list_offsets:
      write_offsets(version, in, out);
      return true;
    case Api::describe_configs:
      write_configs(version, in, out);
      return true;
    case Api::describe_quorum:
      write_quorum(version, out);
      return true;
    case Api::fetch:
      write_view(out);
      return true;
    case Api::describe_cluster:
      write_cluster(version, out);
      return true;
    case Api::sasl_handshake:
      out.int16(in.text() == mechanism ? 0 : 33);
      out.array(1);
      out.text(mechanism);
      return true;
    case Api::sasl_authenticate:
      write_verdict(connection, version, in, out);
      return true;
  }
  return false;
}

void ScriptedKafka::write_verdict(Connection& connection, std::int16_t version, kafka::Reader& in,
                                  kafka::Writer& out) const {
  const std::string_view token = in.bytes();
  const std::string plain = std::string(1, '\0') + username + std::string(1, '\0') + password;
  const std::string bearer =
      "n,,\x01"
      "auth=Bearer " +
      password + "\x01\x01";
  connection.logged_in = token == (mechanism == "OAUTHBEARER" ? bearer : plain);
  out.int16(connection.logged_in ? 0 : 58);
  out.nullable_text(connection.logged_in ? "" : "Authentication failed: Invalid username or password");
  out.bytes("");
  if (version >= 1) out.int64(session_lifetime_ms);
  out.no_tags();
}

void ScriptedKafka::write_versions(std::int16_t version, kafka::Writer& out) const {
  const auto own = versions_of(Api::api_versions);
  const bool unknown = version > own.highest;
  // Who does not know the version answers in that of version 0, without tags (KIP-511).
  kafka::Writer classic(unknown ? false : version >= 3);
  std::vector<Api> known;
  for (const Api api : kAll) {
    if (versions_of(api).highest >= versions_of(api).lowest) known.push_back(api);
  }
  classic.int16(unknown ? 35 : error_of(Api::api_versions));
  classic.array(known.size());
  for (const Api api : known) {
    classic.int16(static_cast<std::int16_t>(api));
    classic.int16(versions_of(api).lowest);
    classic.int16(versions_of(api).highest);
    classic.no_tags();
  }
  if (!unknown && version >= 1) classic.int32(0);
  classic.no_tags();
  for (const char byte : std::move(classic).take()) out.int8(static_cast<std::int8_t>(byte));
}

}  // namespace qw::testing
