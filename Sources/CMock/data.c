#include "CMock.h"

/* Recorded responses of the provider, byte for byte, and its published request schemas. */

static const unsigned char qwen3_32b_json[] = {
#embed "../thinkwire-mock/recordings/qwen3-32b.json"
};
static const unsigned char qwen3_32b_sse[] = {
#embed "../thinkwire-mock/recordings/qwen3-32b.sse"
};
static const unsigned char qwen3_next_json[] = {
#embed "../thinkwire-mock/recordings/qwen3-next-80b-a3b-thinking.json"
};
static const unsigned char qwen3_vl_json[] = {
#embed "../thinkwire-mock/recordings/qwen3-vl-32b-thinking.json"
};
static const unsigned char qwen36_json[] = {
#embed "../thinkwire-mock/recordings/qwen3.6-35b-a3b.json"
};
static const unsigned char qwen3_32b_schema[] = {
#embed "../thinkwire-mock/schemas/qwen3-32b.json"
};
static const unsigned char qwen3_next_schema[] = {
#embed "../thinkwire-mock/schemas/qwen3-next-80b-a3b-thinking.json"
};
static const unsigned char qwen3_vl_schema[] = {
#embed "../thinkwire-mock/schemas/qwen3-vl-32b-thinking.json"
};
static const unsigned char qwen36_schema[] = {
#embed "../thinkwire-mock/schemas/qwen3.6-35b-a3b.json"
};

const mock_data mock_qwen3_32b_json = { qwen3_32b_json, sizeof qwen3_32b_json };
const mock_data mock_qwen3_32b_sse = { qwen3_32b_sse, sizeof qwen3_32b_sse };
const mock_data mock_qwen3_32b_schema = { qwen3_32b_schema, sizeof qwen3_32b_schema };
const mock_data mock_qwen3_next_json = { qwen3_next_json, sizeof qwen3_next_json };
const mock_data mock_qwen3_next_schema = { qwen3_next_schema, sizeof qwen3_next_schema };
const mock_data mock_qwen3_vl_json = { qwen3_vl_json, sizeof qwen3_vl_json };
const mock_data mock_qwen3_vl_schema = { qwen3_vl_schema, sizeof qwen3_vl_schema };
const mock_data mock_qwen36_json = { qwen36_json, sizeof qwen36_json };
const mock_data mock_qwen36_schema = { qwen36_schema, sizeof qwen36_schema };
