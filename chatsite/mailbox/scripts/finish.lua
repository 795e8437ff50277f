-- Adds the last text and ends the entry, in one step. Then charges the share with the
-- real cost instead of the estimate, also in the tags of its waiting replies: shares are
-- equal in tokens, not in turns.
local id, token, offset, text = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local tokens, outcome, ending, cost = ARGV[5], ARGV[6], ARGV[7], tonumber(ARGV[8])
local logprobs, logprobs_offset = ARGV[9], tonumber(ARGV[10] or '0')
if not holds(id, token) then return {'refused', 0} end

local held = write_text(id, offset, text, tokens)
local held_logprobs = write_logprobs(id, logprobs_offset, logprobs)
if held < offset or held_logprobs < logprobs_offset then
  return {'again', held, held_logprobs}
end

local got = redis.call('HMGET', key('reply', id), 'model', 'share', 'cost')
local model, share, owed = got[1] or '', got[2] or '', cost - number(got[3], cost)
if redis.call('ZSCORE', key('tags', model), share) then
  redis.call('ZINCRBY', key('tags', model), owed, share)
end
for _, member in ipairs(redis.call('SMEMBERS', queue_of(model, share))) do
  local waiting = key('reply', string.sub(member, 17))
  local kind = redis.call('HGET', waiting, 'kind')
  local tag = number(redis.call('HGET', waiting, 'tag'))
  if kind and tag then
    tag = redis.call('HINCRBYFLOAT', waiting, 'tag', owed)
    redis.call('ZADD', line_of(model, kind), 'XX', tag, member)
  end
end
finish(id, outcome, ending)
return {'kept', held, held_logprobs}
