-- Makes the entry of one attempt and gives it a place in line.
-- Does nothing if this attempt or a later one is known; replaces an earlier one.
-- In any case it tells the owner's pages, unless no page shows the reply.
local id, attempt, owner, share = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local model, kind, cost, request, losses = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8], ARGV[9]
local hidden = ARGV[10]

if hidden ~= '1' then touch(owner) end
local known = redis.call('HGET', key('reply', id), 'attempt')
if known then
  if number(known, 0) >= attempt then return 0 end
  leave_line(id)
  forget(id)
end

local tag, is_further = next_tag(model, share, cost)
local member = new_member(id)

redis.call('SADD', MODELS, model)
redis.call('HSET', key('reply', id), 'attempt', attempt, 'owner', owner, 'share', share,
  'model', model, 'kind', kind, 'cost', cost, 'request', request, 'losses', losses, 'hidden', hidden,
  'tag', tag, 'member', member, 'further', is_further and '1' or '', 'queued', stamp(), 'tokens', 0,
  -- Pages compare runs, so the runs of two attempts must differ.
  'run', (attempt - 1) * 1000,
  'since', number(redis.call('HGET', key('clock', model), 'seconds'), 0))
stand_in_line(id)
return 1
