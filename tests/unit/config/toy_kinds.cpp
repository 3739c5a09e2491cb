#include "toy_kinds.hpp"

namespace qw::config::toy {

Pond read_pond(Fields& fields) {
  Pond pond;
  fields.required("members", &pond.members, "Every duck's address.");
  fields.optional("ducks", &pond.ducks, "How many.");
  fields.optional("depth", &pond.depth, "In metres.");
  fields.optional("frozen", &pond.frozen, "In winter.");
  fields.optional("colour", Choice{&pond.colour, {"green", "blue"}}, "Of the water.");
  fields.optional("greeting", &pond.greeting, "What they say.");
  fields.optional("nickname", &pond.nickname, "What people call it.");
  fields.optional("limit", &pond.limit, "Of ducks.");
  fields.optional("grace", &pond.grace, "Time to leave.");
  fields.optional("ripple", &pond.ripple, "How long waves last.");
  fields.optional("password_file", &pond.password_file, "To get in.");
  fields.optional("map_file", &pond.map_file, "Where it is.");
  fields.optional("charts", &pond.charts, "How deep it is.");
  tls_fields(fields, pond.tls);
  fields.list("nests", "Where they live.", [&pond](Fields& nest_fields) {
    Nest nest;
    nest_fields.required("host", &nest.host, "Whose it is.");
    nest_fields.optional("eggs", &nest.eggs, "In it.");
    nest_fields.check("eggs", nest.eggs <= 12, "must not be more than 12");
    pond.nests.push_back(nest);
  });
  fields.check("members", !pond.members.empty(), "needs at least one address");
  fields.check("grace", !pond.grace || *pond.grace > Nanoseconds(0), "must be longer than 0s");
  fields.check("nickname", pond.limit.has_value() == pond.nickname.has_value(), "goes together with limit");
  return pond;
}

std::span<const Kind> kinds() {
  static const std::array<Kind, 2> kKinds{
      Kind{.system = "lake",
           .summary = "Water without ducks.",
           .read = [](Fields& fields) -> std::any {
             Lake lake;
             fields.required("members", &lake.members, "Every boat's address.");
             return lake;
           }},
      Kind{.system = "pond", .summary = "Water with ducks.", .read = [](Fields& fields) -> std::any {
             return read_pond(fields);
           }}};
  return kKinds;
}

}  // namespace qw::config::toy
