-- Moves a helper job that waits into the line of people, as if it joined now. ARGV: id, the
-- share that it counts for there. An entry in any other state stays as it is; repeating does nothing.
local id, share = ARGV[1], ARGV[2]
local got = redis.call('HMGET', key('reply', id), 'state', 'kind', 'model', 'share', 'tag', 'cost')
if got[1] ~= 'queued' or got[2] ~= 'helper' or not (got[3] and got[4]) then return 0 end
leave_line(id)
refund(got[3], got[4], number(got[5]), number(got[6], 0))
local tag, is_further = next_tag(got[3], share, number(got[6], 0))
redis.call('HSET', key('reply', id), 'kind', 'reply', 'share', share, 'tag', tag,
  'member', new_member(id), 'further', is_further and '1' or '')
stand_in_line(id)
touch_owner_of(id)
return 1
