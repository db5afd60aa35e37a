import pytest
pytestmark = pytest.mark.anyio
@pytest.mark.parametrize("n", range(200))
async def test_x(stage, n):
    a = await stage.ask("alice","POST","/chat",{"message":"x","stream":False})
    assert a.status==200
    assert len(stage.vendor.requests)==1
