#include "probes/wire/kafka_groups.hpp"

namespace qw::wire::kafka {
namespace {

GroupType read_group_type(std::string_view text) {
  if (text == "classic") return GroupType::classic;
  if (text == "consumer") return GroupType::consumer;
  if (text == "share") return GroupType::share;
  if (text == "streams") return GroupType::streams;
  return GroupType::unknown;
}

DescribeGroupsReply::Member read_member(Reader& in, std::int16_t version) {
  DescribeGroupsReply::Member member;
  member.id = in.text();
  if (version >= 4) member.instance_id = in.nullable_text();
  member.client_id = in.text();
  member.client_host = in.text();
  in.bytes();  // what it subscribed to
  member.assignment = in.bytes();
  in.skip_tags();
  return member;
}

DescribeGroupsReply::Group read_group(Reader& in, std::int16_t version,
                                      std::vector<DescribeGroupsReply::Member>& members) {
  DescribeGroupsReply::Group group;
  group.error = static_cast<ErrorCode>(in.int16());
  group.name = in.text();
  group.state = read_group_state(in.text());
  group.protocol_type = in.text();
  group.protocol = in.text();
  group.members.first = static_cast<std::uint32_t>(members.size());
  for (std::size_t count = in.array(6); count > 0 && in.ok(); --count) {
    members.push_back(read_member(in, version));
  }
  group.members.count = static_cast<std::uint32_t>(members.size()) - group.members.first;
  if (version >= 3) in.int32();  // authorized operations
  in.skip_tags();
  return group;
}

void write_names(Writer& out, const std::vector<std::string_view>& groups) {
  out.array(groups.size());
  for (const std::string_view group : groups) out.text(group);
}

}  // namespace

GroupState read_group_state(std::string_view text) {
  if (text == "Stable") return GroupState::stable;
  if (text == "Empty") return GroupState::empty;
  if (text == "Dead") return GroupState::dead;
  if (text == "PreparingRebalance") return GroupState::preparing_rebalance;
  if (text == "CompletingRebalance") return GroupState::completing_rebalance;
  if (text == "Assigning") return GroupState::assigning;
  if (text == "Reconciling") return GroupState::reconciling;
  return GroupState::unknown;
}

void ListGroupsRequest::write(Writer& out, std::int16_t version) const {
  if (version >= 4) out.array(0);  // of all states
  if (version >= 5) out.array(0);  // of all types
  out.no_tags();
}

Result<ListGroupsReply> ListGroupsReply::read(std::string_view body, std::int16_t version,
                                              std::size_t max_elements) {
  Reader in(body, is_flexible(Api::list_groups, version), max_elements);
  ListGroupsReply reply;
  if (version >= 1) in.int32();  // throttle time
  reply.error = static_cast<ErrorCode>(in.int16());
  for (std::size_t count = in.array(3); count > 0 && in.ok(); --count) {
    Group group;
    group.name = in.text();
    group.protocol_type = in.text();
    if (version >= 4) group.state = read_group_state(in.text());
    if (version >= 5) group.type = read_group_type(in.text());
    in.skip_tags();
    reply.groups.push_back(group);
  }
  in.skip_tags();
  const auto end = in.end(print(Api::list_groups, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

void DescribeGroupsRequest::write(Writer& out, std::int16_t version) const {
  write_names(out, groups);
  if (version >= 3) out.boolean(false);  // authorized operations
  out.no_tags();
}

Result<DescribeGroupsReply> DescribeGroupsReply::read(std::string_view body, std::int16_t version,
                                                      std::size_t max_elements) {
  Reader in(body, is_flexible(Api::describe_groups, version), max_elements);
  DescribeGroupsReply reply;
  if (version >= 1) in.int32();  // throttle time
  for (std::size_t count = in.array(8); count > 0 && in.ok(); --count) {
    reply.groups.push_back(read_group(in, version, reply.all_members));
  }
  in.skip_tags();
  const auto end = in.end(print(Api::describe_groups, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

Result<Assignment> read_assignment(std::string_view bytes, std::size_t max_elements) {
  Assignment assignment;
  if (bytes.empty()) return assignment;
  Reader in(bytes, false, max_elements);
  if (in.int16() < 0) in.refuse("a negative version");
  for (std::size_t count = in.array(6); count > 0 && in.ok(); --count) {
    AssignedTopic topic;
    topic.topic = in.text();
    topic.partitions.first = static_cast<std::uint32_t>(assignment.all_partitions.size());
    const std::size_t partitions = in.array(4);
    topic.partitions.count = static_cast<std::uint32_t>(partitions);
    for (std::size_t i = 0; i < partitions; ++i) assignment.all_partitions.push_back(in.int32());
    assignment.topics.push_back(topic);
  }
  // What follows is the assignor's own, and what versions after ours may add: neither counts here.
  if (!in.ok()) return std::unexpected(in.end("assignment of a member").error());
  return assignment;
}

}  // namespace qw::wire::kafka
