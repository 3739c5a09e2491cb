// ListOffsets, the log's half of kafka_offsets.hpp.
#include <utility>

#include "probes/wire/kafka_offsets.hpp"

namespace qw::wire::kafka {

void ListOffsetsRequest::begin(std::string_view topic) {
  const auto first = static_cast<std::uint32_t>(all_partitions.size());
  topics.push_back({.name = topic, .partitions = {.first = first, .count = 0}});
}

void ListOffsetsRequest::add(std::int32_t partition, std::int64_t timestamp) {
  all_partitions.push_back({.timestamp = timestamp, .index = partition});
  ++topics.back().partitions.count;
}

void ListOffsetsRequest::write(Writer& out, std::int16_t version) const {
  out.int32(-1);  // we are no replica
  out.int8(std::to_underlying(isolation));
  out.array(topics.size());
  for (const Topic& topic : topics) {
    out.text(topic.name);
    out.array(topic.partitions.count);
    for (const Partition& partition : part(all_partitions, topic.partitions)) {
      out.int32(partition.index);
      if (version >= 4) out.int32(-1);  // leader epoch
      out.int64(partition.timestamp);
      out.no_tags();
    }
    out.no_tags();
  }
  out.no_tags();
}

Result<ListOffsetsReply> ListOffsetsReply::read(std::string_view body, std::int16_t version,
                                                std::size_t max_elements) {
  Reader in(body, is_flexible(Api::list_offsets, version), max_elements);
  ListOffsetsReply reply;
  in.int32();  // throttle time
  for (std::size_t topics = in.array(2); topics > 0 && in.ok(); --topics) {
    Topic topic;
    topic.name = in.text();
    topic.partitions.first = static_cast<std::uint32_t>(reply.all_partitions.size());
    for (std::size_t count = in.array(22); count > 0 && in.ok(); --count) {
      Partition& partition = reply.all_partitions.emplace_back();
      partition.index = in.int32();
      partition.error = static_cast<ErrorCode>(in.int16());
      partition.timestamp = in.int64();
      partition.offset = in.int64();
      if (version >= 4) partition.leader_epoch = in.int32();
      in.skip_tags();
      ++topic.partitions.count;
    }
    in.skip_tags();
    reply.topics.push_back(topic);
  }
  in.skip_tags();
  const auto end = in.end(print(Api::list_offsets, version));
  if (!end) return std::unexpected(end.error());
  return reply;
}

}  // namespace qw::wire::kafka
