#include "probes/wire/kafka_offsets.hpp"

namespace qw::wire::kafka {
namespace {

constexpr std::size_t kLeastCommit = 4 + 8 + 2 + 1;  // partition, offset, error, metadata

void write_topics(Writer& out, const std::optional<std::vector<OffsetFetchRequest::Topic>>& topics) {
  if (!topics) {
    out.null_array();
    return;
  }
  out.array(topics->size());
  for (const auto& topic : *topics) {
    out.text(topic.name);
    out.array(topic.partitions.size());
    for (const std::int32_t partition : topic.partitions) out.int32(partition);
    out.no_tags();
  }
}

Run read_commits(Reader& in, std::int16_t version, std::vector<OffsetFetchReply::Commit>& commits) {
  Run run{.first = static_cast<std::uint32_t>(commits.size()), .count = 0};
  for (std::size_t count = in.array(kLeastCommit); count > 0 && in.ok(); --count) {
    OffsetFetchReply::Commit& commit = commits.emplace_back();
    commit.partition = in.int32();
    commit.offset = in.int64();
    if (version >= 5) in.int32();  // leader epoch
    in.skip_text();                // the consumer's own note
    commit.error = static_cast<ErrorCode>(in.int16());
    in.skip_tags();
    ++run.count;
  }
  return run;
}

Run read_topics(Reader& in, std::int16_t version, OffsetFetchReply& reply) {
  Run run{.first = static_cast<std::uint32_t>(reply.all_topics.size()), .count = 0};
  for (std::size_t count = in.array(2); count > 0 && in.ok(); --count) {
    OffsetFetchReply::Topic topic;
    topic.name = in.text();
    topic.commits = read_commits(in, version, reply.all_commits);
    in.skip_tags();
    reply.all_topics.push_back(topic);
    ++run.count;
  }
  return run;
}

}  // namespace

void OffsetFetchRequest::write(Writer& out, std::int16_t version) const {
  if (version < kFirstBatched) {
    out.text(groups.empty() ? std::string_view() : groups.front());
    write_topics(out, topics);
  } else {
    out.array(groups.size());
    for (const std::string_view group : groups) {
      out.text(group);
      if (version >= 9) {
        out.nullable_text(std::nullopt);  // we are no member
        out.int32(-1);                    // and in no epoch
      }
      write_topics(out, topics);
      out.no_tags();
    }
  }
  if (version >= 7) out.boolean(false);  // waiting for open transactions that commit offsets
  out.no_tags();
}

Result<OffsetFetchReply> OffsetFetchReply::read(std::string_view body, std::int16_t version,
                                                std::size_t max_elements) {
  Reader in(body, is_flexible(Api::offset_fetch, version), max_elements);
  OffsetFetchReply reply;
  reply.all_commits.reserve(body.size() /
                            (kLeastCommit + 5));  // as long as they are from v5 on, without notes
  if (version >= 3) in.int32();                   // throttle time
  if (version < OffsetFetchRequest::kFirstBatched) {
    Group group;
    group.topics = read_topics(in, version, reply);
    group.error = static_cast<ErrorCode>(in.int16());
    reply.groups.push_back(group);
  } else {
    for (std::size_t count = in.array(4); count > 0 && in.ok(); --count) {
      Group group;
      group.name = in.text();
      group.topics = read_topics(in, version, reply);
      group.error = static_cast<ErrorCode>(in.int16());
      in.skip_tags();
      reply.groups.push_back(group);
    }
  }
  in.skip_tags();
  const auto end = in.end(print(Api::offset_fetch, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

}  // namespace qw::wire::kafka
