// The answers of a scripted broker, as a real one encodes them (facts/kafka.md 5).
#include <fmt/format.h>

#include "tests/unit/systems/scripted_kafka.hpp"

namespace qw::testing {
namespace {

constexpr std::string_view kHost = "127.0.0.1";

void write_ids(const std::vector<std::int32_t>& ids, kafka::Writer& out) {
  out.array(ids.size());
  for (const auto id : ids) out.int32(id);
}

kafka::Uuid uuid_of(std::uint8_t id) {
  kafka::Uuid uuid{};
  uuid.back() = id;
  return uuid;
}

std::vector<std::string> read_names(kafka::Reader& in) {
  std::vector<std::string> names;
  for (std::size_t count = in.array(1); count > 0; --count) names.emplace_back(in.text());
  return names;
}

/// ConsumerProtocolAssignment v0.
std::string assignment_of(const ScriptedMember& member) {
  kafka::Writer out(false);
  out.int16(0);
  out.array(member.assigned.size());
  for (const auto& [topic, partitions] : member.assigned) {
    out.text(topic);
    write_ids(partitions, out);
  }
  out.bytes("");
  return std::move(out).take();
}

}  // namespace

void ScriptedKafka::write_metadata(std::int16_t version, bool topics, kafka::Writer& out) const {
  out.int32(0);
  out.array(cluster_.alive.size());
  for (const auto& [id, broker] : cluster_.alive) {
    out.int32(id);
    out.text(kHost);
    out.int32(broker->port());
    out.nullable_text(std::nullopt);
    out.no_tags();
  }
  out.nullable_text(cluster_.id);
  out.int32(cluster_.controller);
  out.array(topics ? cluster_.topics.size() : 0);
  for (const auto& [name, topic] : cluster_.topics) {
    if (topics) write_topic(name, version, out);
  }
  if (version >= 8 && version <= 10) out.int32(0);
  out.no_tags();
}

void ScriptedKafka::write_topic(const std::string& name, std::int16_t version, kafka::Writer& out) const {
  const auto& topic = cluster_.topics.at(name);
  out.int16(0);
  out.text(name);
  if (version >= 10) out.uuid(uuid_of(topic.id));
  out.boolean(false);
  out.array(topic.partitions.size());
  for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
    const auto& partition = topic.partitions[i];
    out.int16(partition.leader < 0 ? 5 : 0);
    out.int32(static_cast<std::int32_t>(i));
    out.int32(partition.leader);
    if (version >= 7) out.int32(partition.epoch);
    write_ids(partition.replicas, out);
    write_ids(partition.in_sync, out);
    if (version >= 5) out.array(0);
    out.no_tags();
  }
  if (version >= 8) out.int32(0);
  out.no_tags();
}

void ScriptedKafka::write_list(std::int16_t version, kafka::Writer& out) const {
  if (version >= 1) out.int32(0);
  out.int16(error_of(Api::list_groups));
  out.array(groups.size() - unlisted.size());
  for (const auto& [name, group] : groups) {
    if (unlisted.contains(name)) continue;
    out.text(name);
    out.text(group.protocol_type);
    if (version >= 4) out.text(group.state);
    if (version >= 5) out.text(group.type);
    out.no_tags();
  }
  out.no_tags();
}

void ScriptedKafka::write_coordinators(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const {
  std::vector<std::string> names;
  if (version < 4) {
    names.emplace_back(in.text());
  } else {
    in.int8();
    names = read_names(in);
  }
  out.int32(0);
  if (version >= 4) out.array(names.size());
  for (const auto& name : names) {
    const auto found = cluster_.coordinators.find(name);
    const auto id = found == cluster_.coordinators.end() ? -1 : found->second;
    const std::int16_t verdict = id < 0 ? 15 : 0;
    if (version >= 4) {
      out.text(name);
    } else {
      out.int16(verdict);
      out.nullable_text(std::nullopt);
    }
    out.int32(id);
    out.text(kHost);
    out.int32(id < 0 ? -1 : cluster_.alive.at(id)->port());
    if (version < 4) continue;
    out.int16(verdict);
    out.nullable_text(std::nullopt);
    out.no_tags();
  }
  out.no_tags();
}

void ScriptedKafka::write_classic(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const {
  if (version >= 1) out.int32(0);
  const auto names = read_names(in);
  out.array(names.size());
  for (const auto& name : names) {
    const auto found = groups.find(name);
    // A living group of the new protocol is dead to this question.
    const bool dead = found == groups.end() || found->second.type != "classic";
    static const ScriptedGroup kDead{.protocol_type = "", .state = "Dead", .members = {}, .commits = {}};
    const auto& group = dead ? kDead : found->second;
    out.int16(error_of(Api::describe_groups));
    out.text(name);
    out.text(group.state);
    out.text(group.protocol_type);
    out.text(dead ? "" : "range");
    out.array(group.members.size());
    for (const auto& member : group.members) {
      out.text(member.id);
      if (version >= 4) out.nullable_text(std::nullopt);
      out.text("client");
      out.text("/127.0.0.1");
      out.bytes("");
      out.bytes(assignment_of(member));
      out.no_tags();
    }
    if (version >= 3) out.int32(0);
    out.no_tags();
  }
  out.no_tags();
}

void ScriptedKafka::write_modern(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const {
  const auto names = read_names(in);
  out.int32(0);
  out.array(names.size());
  for (const auto& name : names) {
    const auto found = groups.find(name);
    const bool known = found != groups.end() && found->second.type == "consumer";
    out.int16(known ? 0 : 69);
    out.nullable_text(std::nullopt);
    out.text(name);
    out.text(known ? found->second.state : "Dead");
    out.int32(known ? found->second.epoch : 0);
    out.int32(known ? found->second.epoch : 0);
    out.text("uniform");
    out.array(known ? found->second.members.size() : 0);
    for (std::size_t i = 0; known && i < found->second.members.size(); ++i) {
      const auto& member = found->second.members[i];
      out.text(member.id);
      out.nullable_text(std::nullopt);
      out.nullable_text(std::nullopt);
      out.int32(found->second.epoch);
      out.text("client");
      out.text("/127.0.0.1");
      out.array(0);
      out.nullable_text(std::nullopt);
      for (int times = 0; times < 2; ++times) {
        out.array(member.assigned.size());
        for (const auto& [topic, partitions] : member.assigned) {
          out.uuid(uuid_of(1));
          out.text(topic);
          write_ids(partitions, out);
          out.no_tags();
        }
        out.no_tags();
      }
      if (version >= 1) out.int8(1);
      out.no_tags();
    }
    out.int32(0);
    out.no_tags();
  }
  out.no_tags();
}

void ScriptedKafka::write_topics_of(const ScriptedGroup* group, std::int16_t version,
                                    kafka::Writer& out) const {
  out.array(group ? group->commits.size() : 0);
  if (!group) return;
  for (const auto& [topic, commits] : group->commits) {
    out.text(topic);
    out.array(commits.size());
    for (const auto& [partition, offset] : commits) {
      out.int32(partition);
      out.int64(offset);
      if (version >= 5) out.int32(-1);
      out.nullable_text("");
      out.int16(0);
      out.no_tags();
    }
    out.no_tags();
  }
}

void ScriptedKafka::write_commits(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const {
  std::vector<std::string> names;
  if (version < 8) {
    names.emplace_back(in.text());
  } else {
    for (std::size_t count = in.array(1); count > 0; --count) {
      names.emplace_back(in.text());
      if (version >= 9) {
        in.skip_text();
        in.int32();
      }
      in.array(1);
      in.skip_tags();
    }
  }
  const std::int16_t verdict = moved_coordinator ? std::int16_t{16} : error_of(Api::offset_fetch);
  if (version >= 3) out.int32(0);
  if (version >= 8) out.array(names.size());
  for (const auto& name : names) {
    const auto found = groups.find(name);
    const auto* group = verdict != 0 || found == groups.end() ? nullptr : &found->second;
    if (version >= 8) out.text(name);
    write_topics_of(group, version, out);
    out.int16(verdict);
    if (version >= 8) out.no_tags();
  }
  out.no_tags();
}

void ScriptedKafka::write_offsets(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const {
  in.int32();
  const bool committed_only = in.int8() == 1;
  out.int32(0);
  const std::size_t topics = in.array(1);
  out.array(topics);
  for (std::size_t i = 0; i < topics; ++i) {
    const std::string name(in.text());
    const auto topic = cluster_.topics.find(name);
    const std::size_t partitions = in.array(1);
    out.text(name);
    out.array(partitions);
    for (std::size_t j = 0; j < partitions; ++j) {
      const std::int32_t index = in.int32();
      if (version >= 4) in.int32();
      const std::int64_t timestamp = in.int64();
      in.skip_tags();
      const auto number = static_cast<std::size_t>(index);
      const bool known = topic != cluster_.topics.end() && number < topic->second.partitions.size();
      std::int16_t verdict = error_of(Api::list_offsets);
      if (verdict == 0 && (!known || topic->second.partitions[number].leader != id_)) verdict = 6;
      std::int64_t offset = -1;
      std::int64_t found_at = -1;
      if (verdict == 0) {
        const auto& partition = topic->second.partitions[number];
        const std::int64_t stable = partition.stable_end < 0 ? partition.end : partition.stable_end;
        const auto younger = partition.at.lower_bound(timestamp);
        if (timestamp == -1) {
          offset = committed_only ? stable : partition.end;
        } else if (timestamp == -2) {
          offset = partition.start;
        } else if (younger != partition.at.end()) {
          found_at = younger->first;
          offset = younger->second;
        }
      }
      out.int32(index);
      out.int16(verdict);
      out.int64(found_at);
      out.int64(offset);
      if (version >= 4) out.int32(-1);
      out.no_tags();
    }
    in.skip_tags();
    out.no_tags();
  }
  out.no_tags();
}

void ScriptedKafka::write_configs(std::int16_t version, kafka::Reader& in, kafka::Writer& out) const {
  out.int32(0);
  const std::size_t topics = in.array(1);
  out.array(topics);
  for (std::size_t i = 0; i < topics; ++i) {
    in.int8();
    const std::string name(in.text());
    for (std::size_t keys = in.array(1); keys > 0; --keys) in.skip_text();
    in.skip_tags();
    const auto& topic = cluster_.topics.at(name);
    out.int16(error_of(Api::describe_configs));
    out.nullable_text(std::nullopt);
    out.int8(2);
    out.text(name);
    const std::map<std::string, std::string> values{{"retention.ms", topic.retention_ms},
                                                    {"cleanup.policy", topic.cleanup_policy}};
    out.array(values.size());
    for (const auto& [key, value] : values) {
      out.text(key);
      out.nullable_text(value);
      out.boolean(false);
      out.int8(5);
      out.boolean(false);
      out.array(0);
      if (version >= 3) {
        out.int8(2);
        out.nullable_text(std::nullopt);
      }
      out.no_tags();
    }
    out.no_tags();
  }
  out.no_tags();
}

void ScriptedKafka::write_quorum(std::int16_t version, kafka::Writer& out) const {
  const bool leads = quorum.leader == id_ && !quorum.resigned;
  out.int16(0);
  if (version >= 2) out.nullable_text(std::nullopt);
  out.array(1);
  out.text("__cluster_metadata");
  out.array(1);
  out.int32(0);
  out.int16(leads ? 0 : 6);
  if (version >= 2) out.nullable_text(std::nullopt);
  out.int32(leads ? id_ : 0);
  out.int32(leads ? quorum.epoch : 0);
  out.int64(0);
  out.array(leads ? quorum.voters.size() : 0);
  for (const auto& [voter, end] : quorum.voters) {
    if (!leads) break;
    out.int32(voter);
    if (version >= 2) out.uuid({});
    out.int64(end);
    if (version >= 1) {
      out.int64(-1);
      out.int64(-1);
    }
    out.no_tags();
  }
  out.array(0);
  out.no_tags();
  out.no_tags();
  if (version >= 2) out.array(0);
  out.no_tags();
}

void ScriptedKafka::write_view(kafka::Writer& out) const {
  out.int32(0);
  out.int16(error_of(Api::fetch));
  out.int32(0);
  out.array(1);
  out.uuid(uuid_of(1));
  out.array(1);
  out.int32(0);
  out.int16(quorum.leader == id_ && !quorum.resigned ? 74 : 6);
  for (int i = 0; i < 3; ++i) out.int64(-1);
  out.array(0);
  out.int32(-1);
  out.bytes("");
  // Tag 1: the leader and its epoch.
  out.varint(1);
  out.varint(1);
  out.varint(9);
  out.int32(quorum.leader);
  out.int32(quorum.epoch);
  out.no_tags();
  out.no_tags();
  out.no_tags();
}

void ScriptedKafka::write_cluster(std::int16_t version, kafka::Writer& out) const {
  out.int32(0);
  out.int16(error_of(Api::describe_cluster));
  out.nullable_text(std::nullopt);
  out.int8(2);
  out.text(cluster_.id);
  out.int32(quorum.leader);
  out.array(controllers.size());
  for (const auto* controller : controllers) {
    out.int32(controller->id());
    out.text(kHost);
    out.int32(controller->port());
    out.nullable_text(std::nullopt);
    if (version >= 2) out.boolean(false);
    out.no_tags();
  }
  out.int32(0);
  out.no_tags();
}

}  // namespace qw::testing
