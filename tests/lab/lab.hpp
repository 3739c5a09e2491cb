#pragma once
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"

/// Real servers in network namespaces, for tests: a thin hand on tests/lab/lab. README.md beside this file
/// has examples.
namespace qw::lab {

/// One server as `lab show` tells of it.
struct Node {
  std::string name;     ///< "etcd-1", "redis-2", "sentinel-3"
  std::string system;   ///< "etcd", "kafka", "redis", "sentinel", "program"
  std::string host;     ///< the namespace it lives in; cuts are of hosts
  std::string address;  ///< reached from here whatever is cut between nodes
  std::uint16_t port = 0;
  std::uint16_t controller_port = 0;  ///< Kafka's second listener; 0 with other systems
  std::string log;
  std::string state;  ///< "running", "stopped", "dead"
  int pid = 0;        ///< 0 when dead

  /// "10.99.3.1:2379", as it stands in a configuration.
  std::string endpoint() const;
  /// The same of Kafka's controller, which lives in the same process.
  std::string controller() const;
};

/// A private lab, gone with the object; also when the test program is killed.
class Lab {
 public:
  /// Why labs can not be made here (no root, no namespaces, no server installed); empty where they can.
  static std::string unavailable();
  /// Why Kafka's jars can not be had here; empty where they can. The first call may download them.
  static std::string kafka_unavailable();

  /// An empty lab in a directory of its own; up() fills it.
  Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;
  ~Lab();

  /// `up({"etcd", "--members", "3", "--pre-vote"})`: returns when the cluster works. May be called for
  /// several systems.
  Result<void> up(std::vector<std::string> arguments);
  /// Any other verb: `run({"cut", "etcd-1"})`. Returns what it printed.
  Result<std::string> run(std::vector<std::string> arguments) const;

  Result<void> cut(const std::string& node);
  Result<void> heal();
  Result<void> kill(const std::string& node);
  Result<void> stop(const std::string& node);
  Result<void> cont(const std::string& node);
  Result<void> start(const std::string& node);

  /// The servers at this moment, in the order of their names.
  std::vector<Node> nodes() const;
  /// Those of one system ("etcd"; "redis" has no Sentinels in it).
  std::vector<Node> nodes(std::string_view system) const;
  /// Ends the program with a message when there is none of that name: the test is wrong.
  Node node(std::string_view name) const;
  /// Endpoints of one system, as a configuration lists them.
  std::vector<std::string> endpoints(std::string_view system) const;
  /// Kafka's controllers, likewise.
  std::vector<std::string> controllers() const;

  /// "ca.crt", "client.key", "server-expired.crt": a file that --tls made.
  std::string certificate(std::string_view file) const;
  const std::filesystem::path& directory() const { return directory_; }

 private:
  std::filesystem::path directory_;
};

}  // namespace qw::lab

/// First line of every test that needs a lab: skips it loudly where none can be made, and fails there in CI.
#define QW_NEED_LAB()                                                                       \
  if (const std::string reason = ::qw::lab::Lab::unavailable(); !reason.empty()) {          \
    if (std::getenv("CI") != nullptr) GTEST_FAIL() << "no lab on a CI machine: " << reason; \
    GTEST_SKIP() << "NOT TESTED, no lab here: " << reason;                                  \
  }                                                                                         \
  static_assert(true)

/// Second line of a test that needs Kafka: likewise where its jars can not be had.
#define QW_NEED_KAFKA()                                                                       \
  if (const std::string reason = ::qw::lab::Lab::kafka_unavailable(); !reason.empty()) {      \
    if (std::getenv("CI") != nullptr) GTEST_FAIL() << "no Kafka on a CI machine: " << reason; \
    GTEST_SKIP() << "NOT TESTED, no Kafka here: " << reason;                                  \
  }                                                                                           \
  static_assert(true)
