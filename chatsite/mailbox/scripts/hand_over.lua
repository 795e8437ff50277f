-- Gives entries to another owner, each with its place in line and with what is being
-- written: whoever asks next as the new owner sees the text grow, and the old one is a
-- stranger. ARGV: new owner, the share they count as, then ids. Harmless to repeat.
local owner, share = ARGV[1], ARGV[2]
local moved = 0
for i = 3, #ARGV do
  local id = ARGV[i]
  local got = redis.call('HMGET', key('reply', id), 'owner', 'share', 'model', 'state', 'member', 'tag')
  if got[1] and got[1] ~= owner then
    redis.call('HSET', key('reply', id), 'owner', owner, 'share', share)
    if got[4] == 'queued' then
      redis.call('SREM', queue_of(got[3], got[2]), got[5])
      redis.call('SADD', queue_of(got[3], share), got[5])
    end
    -- What the new share asks for next stands behind what it was given.
    if got[4] ~= 'ended' then redis.call('ZADD', key('tags', got[3]), 'GT', got[6], share) end
    touch(got[1])
    moved = moved + 1
  end
end
if moved > 0 then touch(owner) end
return moved
