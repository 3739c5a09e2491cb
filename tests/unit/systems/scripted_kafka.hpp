#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/async/task.hpp"
#include "probes/wire/kafka_frame.hpp"
#include "probes/wire/kafka_reader.hpp"
#include "probes/wire/kafka_writer.hpp"

/// A Kafka cluster that says what the test tells it to: no log, no replication, only answers.
namespace qw::testing {

namespace kafka = ::qw::wire::kafka;
using kafka::Api;

struct ScriptedPartition {
  std::int32_t leader = 1;
  std::int32_t epoch = 3;
  std::vector<std::int32_t> replicas{1};
  std::vector<std::int32_t> in_sync{1};
  std::int64_t start = 0;
  std::int64_t end = 0;
  std::int64_t stable_end = -1;             ///< -1: the end
  std::map<std::int64_t, std::int64_t> at;  ///< timestamp (ms) to offset
};

struct ScriptedTopic {
  std::uint8_t id = 1;
  std::vector<ScriptedPartition> partitions;
  std::string retention_ms = "604800000";
  std::string cleanup_policy = "delete";
};

struct ScriptedMember {
  std::string id;
  std::map<std::string, std::vector<std::int32_t>> assigned;
};

struct ScriptedGroup {
  std::string protocol_type = "consumer";
  std::string type = "classic";  ///< "consumer": the new protocol
  std::string state = "Stable";
  std::int32_t epoch = 1;  ///< of the new protocol
  std::vector<ScriptedMember> members;
  std::map<std::string, std::map<std::int32_t, std::int64_t>> commits;
};

class ScriptedKafka;

/// What all brokers of a cluster agree on.
struct ScriptedCluster {
  std::string id = "scripted";
  std::map<std::int32_t, const ScriptedKafka*> alive;
  std::map<std::string, ScriptedTopic> topics;
  std::map<std::string, std::int32_t> coordinators;  ///< of groups, as FindCoordinator tells
  std::int32_t controller = -1;
};

/// What a controller believes.
struct ScriptedQuorum {
  std::int32_t leader = -1;
  std::int32_t epoch = 5;
  bool resigned = false;                                      ///< leads no more, and still names itself
  std::vector<std::pair<std::int32_t, std::int64_t>> voters;  ///< id and end of the log
};

/// One broker or controller on a free port of 127.0.0.1, on the loop of the test.
class ScriptedKafka {
 public:
  ScriptedKafka(asio::io_context& io, ScriptedCluster& cluster, std::int32_t id);
  ~ScriptedKafka();
  ScriptedKafka(const ScriptedKafka&) = delete;
  ScriptedKafka& operator=(const ScriptedKafka&) = delete;

  std::string address() const;
  std::uint16_t port() const;
  std::int32_t id() const { return id_; }
  /// Requests of a kind so far.
  std::size_t count(Api api) const;
  /// The last version in which it was asked; -1: it was not.
  int version_asked(Api api) const;
  std::size_t connections() const { return connections_; }
  /// Ends its tasks; before the loop goes.
  Task<void> stop();
  /// Closes all connections, as a broker does that is killed.
  void hang_up();

  std::map<std::string, ScriptedGroup> groups;  ///< those that it lists and answers for
  std::set<std::string> unlisted;               ///< of these, what ListGroups keeps to itself
  ScriptedQuorum quorum;
  std::vector<const ScriptedKafka*> controllers;  ///< what DescribeCluster tells

  // What may go wrong.
  std::set<Api> silent;                         ///< takes the request and never answers
  std::set<Api> drops;                          ///< closes instead of answering
  std::set<Api> halves;                         ///< answers half and no more
  std::set<Api> huge;                           ///< announces 2 GB
  std::map<Api, Nanoseconds> slow;              ///< answers so late
  std::map<Api, std::int16_t> error;            ///< in place of a sound answer
  std::map<Api, kafka::VersionRange> versions;  ///< other than the highest that we speak; {0, -1}: unknown
  std::string mechanism;  ///< SASL PLAIN with this user and password, or OAUTHBEARER with this token
  std::string username, password;
  std::int64_t session_lifetime_ms = 0;
  bool moved_coordinator = false;  ///< answers NOT_COORDINATOR to OffsetFetch

 private:
  struct Connection;
  Task<void> accept();
  Task<void> serve(std::shared_ptr<Connection> connection);
  bool write_answer(Connection& connection, Api api, std::int16_t version, kafka::Reader& in,
                    kafka::Writer& out);
  void write_versions(std::int16_t version, kafka::Writer& out) const;
  void write_metadata(std::int16_t version, bool topics, kafka::Writer& out) const;
  void write_topic(const std::string& name, std::int16_t version, kafka::Writer& out) const;
  void write_list(std::int16_t version, kafka::Writer& out) const;
  void write_coordinators(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const;
  void write_classic(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const;
  void write_modern(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const;
  void write_commits(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const;
  void write_topics_of(const ScriptedGroup* group, std::int16_t version, kafka::Writer& out) const;
  void write_offsets(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const;
  void write_configs(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const;
  void write_quorum(std::int16_t version, kafka::Writer& out) const;
  void write_view(kafka::Writer& out) const;
  void write_cluster(std::int16_t version, kafka::Writer& out) const;
  void write_verdict(Connection& connection, std::int16_t version, kafka::Reader& in,
                     kafka::Writer& out) const;
  std::int16_t error_of(Api api) const;
  kafka::VersionRange versions_of(Api api) const;

  asio::ip::tcp::acceptor acceptor_;
  ScriptedCluster& cluster_;
  std::int32_t id_;
  std::map<Api, std::size_t> counts_;
  std::map<Api, std::int16_t> last_version_;
  std::size_t connections_ = 0;
  std::vector<std::weak_ptr<Connection>> open_;
  async::TaskGroup tasks_;
};

}  // namespace qw::testing
