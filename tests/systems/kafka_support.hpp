#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "probes/target.hpp"
#include "tests/lab/lab.hpp"

/// What the tests against real Kafka share: three brokers, topic "orders" of six partitions and group "shop".
namespace qw::probes {

/// Bootstrap and controllers of the lab, as a target's options.
std::string kafka_options_of(const lab::Lab& lab);

/// What the lab's client says.
std::string kafka_client(const lab::Lab& lab, const std::string& words);

/// Starts three brokers, the topic and the group, which has read some of it.
void begin_kafka(lab::Lab& lab, int copies);

/// "end", "committed", ... of each partition of the topic, as `kafka-client describe` shows them.
std::map<int, std::int64_t> shown(const std::string& text, const std::string& key);

/// What the round says of the topic and of a group on it, by partition; what nobody told is absent.
const TopicLog* orders_in(const Round& round);
std::map<int, std::int64_t> ends_in(const Round& round);
std::map<int, std::int64_t> commits_in(const Round& round, std::string_view group);

/// Everybody answered, and nothing is missing.
bool is_whole(const Round& round);

}  // namespace qw::probes
