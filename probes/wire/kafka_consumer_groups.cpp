// ConsumerGroupDescribe, the new protocol's half of kafka_groups.hpp.
#include "probes/wire/kafka_groups.hpp"

namespace qw::wire::kafka {
namespace {

using Reply = ConsumerGroupDescribeReply;

/// A list of topics with partitions; `reply` nothing: its content does not matter.
Run read_topics(Reader& in, Reply* reply) {
  Run run;
  if (reply != nullptr) run.first = static_cast<std::uint32_t>(reply->all_topics.size());
  for (std::size_t count = in.array(19); count > 0 && in.ok(); --count) {
    in.uuid();
    AssignedTopic topic{.topic = in.text(), .partitions = {}};
    const std::size_t partitions = in.array(4);
    if (reply != nullptr) topic.partitions.first = static_cast<std::uint32_t>(reply->all_partitions.size());
    topic.partitions.count = static_cast<std::uint32_t>(partitions);
    for (std::size_t i = 0; i < partitions; ++i) {
      const std::int32_t partition = in.int32();
      if (reply != nullptr) reply->all_partitions.push_back(partition);
    }
    in.skip_tags();
    if (reply != nullptr) reply->all_topics.push_back(topic);
    ++run.count;
  }
  in.skip_tags();
  return run;
}

Reply::Member read_member(Reader& in, std::int16_t version, Reply& reply) {
  Reply::Member member;
  member.id = in.text();
  member.instance_id = in.nullable_text();
  in.skip_text();  // rack
  member.epoch = in.int32();
  member.client_id = in.text();
  member.client_host = in.text();
  for (std::size_t count = in.array(1); count > 0 && in.ok(); --count) in.skip_text();  // subscribed topics
  in.skip_text();                                                                       // and pattern
  member.topics = read_topics(in, &reply);
  read_topics(in, nullptr);     // what it is to have
  if (version >= 1) in.int8();  // whether it still speaks the classic protocol
  in.skip_tags();
  return member;
}

Reply::Group read_group(Reader& in, std::int16_t version, Reply& reply) {
  Reply::Group group;
  group.error = static_cast<ErrorCode>(in.int16());
  in.skip_text();  // the error in words
  group.name = in.text();
  group.state = read_group_state(in.text());
  group.epoch = in.int32();
  group.assignment_epoch = in.int32();
  in.skip_text();  // assignor
  group.members.first = static_cast<std::uint32_t>(reply.all_members.size());
  for (std::size_t count = in.array(16); count > 0 && in.ok(); --count) {
    reply.all_members.push_back(read_member(in, version, reply));
  }
  group.members.count = static_cast<std::uint32_t>(reply.all_members.size()) - group.members.first;
  in.int32();  // authorized operations
  in.skip_tags();
  return group;
}

}  // namespace

void ConsumerGroupDescribeRequest::write(Writer& out, std::int16_t /*version*/) const {
  out.array(groups.size());
  for (const std::string_view group : groups) out.text(group);
  out.boolean(false);  // authorized operations
  out.no_tags();
}

Result<Reply> Reply::read(std::string_view body, std::int16_t version, std::size_t max_elements) {
  Reader in(body, is_flexible(Api::consumer_group_describe, version), max_elements);
  Reply reply;
  in.int32();  // throttle time
  for (std::size_t count = in.array(20); count > 0 && in.ok(); --count) {
    reply.groups.push_back(read_group(in, version, reply));
  }
  in.skip_tags();
  const auto end = in.end(print(Api::consumer_group_describe, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

}  // namespace qw::wire::kafka
